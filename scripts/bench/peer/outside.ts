// Somebody of whom the bench knows nothing but what a flag says: where it is asked, with which key, and how it is started where it does not run yet.

import { pin } from "../run/core.ts";
import { launch } from "./launch.ts";
import type { Peer } from "./type.ts";

interface Outside {
  url: string;
  key: string | undefined;
  /** Words; `{upstream}` stands for the provider's address, `{upstream_port}` for its port alone. Undefined: it runs already. */
  command: string | undefined;
}

export function makeOutside({ url, key, command }: Outside): Peer {
  const { hostname, port, pathname } = new URL(url);
  const address = {
    hostname,
    port: Number(port === "" ? 80 : port),
    headers: key === undefined ? {} : { authorization: `Bearer ${key}` },
    prefix: pathname.replace(/(?:\/v1)?\/?$/u, ""),
  };
  return {
    about: command ?? url,
    takes: ({ upstream }) => upstream !== "loopback",
    async start({ folder, upstreamPort, cores }) {
      const shared = { version: "", address: () => address, countRows: null };
      if (command === undefined) return { ...shared, pid: null, startMs: null, stop: async () => undefined };
      const words = command
        .replaceAll("{upstream}", `http://127.0.0.1:${upstreamPort}`)
        .replaceAll("{upstream_port}", String(upstreamPort))
        .split(/\s+/u);
      return { ...shared, ...(await launch({ command: pin(cores, "gateway", words), cwd: folder, address })) };
    },
  };
}
