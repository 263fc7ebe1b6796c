// A gateway as it is served, in a process of its own, on a desk's configuration and databases. Knows no command.

import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { findFreePort } from "../redis.ts";
import type { Desk } from "./desk.ts";

const MAIN = join(import.meta.dir, "../../src/main.ts");

export interface GatewayProcess {
  url: string;
  stop(): Promise<void>;
}

/** `settings`: further lines of the configuration. */
export async function serveDesk(desk: Desk, settings = ""): Promise<GatewayProcess> {
  const port = await findFreePort();
  const config = join(desk.folder, "config");
  appendFileSync(join(config, "setting.ini"), `http_address = 127.0.0.1:${port}\n${settings}`);
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("TOKLIGENCE_")));
  const server = Bun.spawn([process.execPath, MAIN, "serve", "--config", config], {
    env,
    stdin: "ignore",
    stdout: "ignore",
    stderr: "pipe",
  });
  const decoder = new TextDecoder();
  let log = "";
  const reader = server.stderr.getReader();
  while (!log.includes("is listening")) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`The gateway does not start: ${log}`);
    log += decoder.decode(value, { stream: true });
  }
  // So that it never waits for somebody to read.
  void (async () => {
    while (!(await reader.read()).done);
  })();
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.kill("SIGTERM");
      await server.exited;
    },
  };
}
