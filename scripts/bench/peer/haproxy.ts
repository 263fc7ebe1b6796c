// HAProxy as a reverse proxy that keeps its connections and passes streams on at once. https://docs.haproxy.org/

import { join } from "node:path";
import { installDebian } from "../run/install.ts";
import { isForwarded } from "./way.ts";
import { findFreePort, launch } from "./launch.ts";
import { pin } from "../run/core.ts";
import type { Peer } from "./type.ts";

export const haproxy: Peer = {
  about: "reverse proxy",
  install: () => installDebian("haproxy"),
  takes: isForwarded,
  async start({ folder, upstreamPort, cores }) {
    const port = findFreePort();
    const path = join(folder, "haproxy.cfg");
    await Bun.write(path, printConfig(port, upstreamPort));
    const address = { hostname: "127.0.0.1", port, headers: {} };
    const command = [findProgram(), "-db", "-f", path];
    const launched = await launch({ command: pin(cores, "gateway", command), cwd: folder, address });
    const said = Bun.spawnSync([findProgram(), "-v"]).stdout.toString();
    return {
      ...launched,
      version: /version (\S+)/u.exec(said)?.[1] ?? "unknown",
      address: () => address,
      countRows: null,
    };
  },
};

/** Debian keeps it where only root looks. */
function findProgram(): string {
  return Bun.which("haproxy") ?? "/usr/sbin/haproxy";
}

function printConfig(port: number, upstreamPort: number): string {
  return `global
  maxconn 8192
  nbthread 1
defaults
  mode http
  option http-no-delay
  http-reuse always
  timeout connect 5s
  timeout client 120s
  timeout server 120s
frontend client
  bind 127.0.0.1:${port} backlog 4096
  default_backend provider
backend provider
  server one 127.0.0.1:${upstreamPort} pool-max-conn -1
`;
}
