// The least that a gateway on this runtime can be: a server that fetches and gives back what it got. No key, no usage, no books.

import { join } from "node:path";
import { isForwarded } from "./way.ts";
import { findFreePort, launch } from "./launch.ts";
import { pin } from "../run/core.ts";
import type { Peer } from "./type.ts";

export const bunProxy: Peer = {
  about: "Bun.serve + fetch, nothing else",
  takes: isForwarded,
  async start({ folder, upstreamPort, cores }) {
    const port = findFreePort();
    const address = { hostname: "127.0.0.1", port, headers: {} };
    const command = [process.execPath, join(import.meta.dir, "../proxy/main.ts"), String(port), String(upstreamPort)];
    const launched = await launch({
      command: pin(cores, "gateway", command),
      cwd: folder,
      env: { BUN_CONFIG_MAX_HTTP_REQUESTS: "16384" },
      address,
    });
    return { ...launched, version: Bun.version, address: () => address, countRows: null };
  },
};
