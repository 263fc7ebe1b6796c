// nginx as a reverse proxy that keeps its connections, streams, and holds a coding agent's request in memory. https://nginx.org/en/docs/

import { join } from "node:path";
import { installDebian } from "../run/install.ts";
import { isForwarded } from "./way.ts";
import { findFreePort, launch } from "./launch.ts";
import { pin } from "../run/core.ts";
import type { Peer } from "./type.ts";

export const nginx: Peer = {
  about: "reverse proxy",
  install: () => installDebian("nginx"),
  takes: isForwarded,
  async start({ folder, upstreamPort, cores }) {
    const port = findFreePort();
    const path = join(folder, "nginx.conf");
    await Bun.write(path, printConfig(folder, port, upstreamPort));
    const address = { hostname: "127.0.0.1", port, headers: {} };
    const command = [findProgram(), "-p", folder, "-c", path, "-e", join(folder, "error.log")];
    const launched = await launch({ command: pin(cores, "gateway", command), cwd: folder, address });
    const said = Bun.spawnSync([findProgram(), "-v"], { stderr: "pipe" }).stderr.toString();
    return {
      ...launched,
      version: /nginx\/(\S+)/u.exec(said)?.[1] ?? "unknown",
      address: () => address,
      countRows: null,
    };
  },
};

/** Debian keeps it where only root looks. */
function findProgram(): string {
  return Bun.which("nginx") ?? "/usr/sbin/nginx";
}

function printConfig(folder: string, port: number, upstreamPort: number): string {
  const user = process.getuid?.() === 0 ? "user root;\n" : "";
  return `${user}worker_processes 1;
daemon off;
pid ${folder}/nginx.pid;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  keepalive_requests 1000000000;
  client_max_body_size 64m;
  client_body_buffer_size 1m;
  upstream provider {
    server 127.0.0.1:${upstreamPort};
    keepalive 1024;
    keepalive_requests 1000000000;
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://provider;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
      proxy_buffer_size 32k;
      proxy_buffers 16 32k;
    }
  }
}
`;
}
