// Signing in where a gateway starts: the link that sets it up, for whoever sits at the machine. Knows no HTTP.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { SETUP_MS, type SignIn } from "../identity/index.ts";
import type { Log } from "../telemetry/log.ts";
import { say } from "./output.ts";

/** Where people reach the gateway, without a trailing slash: as the operator says, else on this machine. */
export function findAddress({ http, signIn }: Pick<Config, "http" | "signIn">): string {
  if (signIn.publicUrl !== null) return signIn.publicUrl;
  const { hostname, port, tlsCert } = http;
  const host = hostname === null || hostname === "0.0.0.0" || hostname === "::" ? "127.0.0.1" : hostname;
  return `${tlsCert === null ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * Until a root administrator has signed in, each start makes a new link: on the terminal where there is one, and in a file that only this
 * user reads. Never in the log.
 */
export async function offerSetup(
  { config, signIn, log }: { config: Config; signIn: SignIn; log: Log },
  isTerminal: boolean,
): Promise<void> {
  const path = join(config.home, "setup-link");
  if (await signIn.isSetUp()) {
    rmSync(path, { force: true });
    return;
  }
  const { token } = await signIn.makeLink(config.adminEmail, { kind: "setup", ttlMs: SETUP_MS });
  const link = `${findAddress(config)}/ui/setup#${token}`;
  rmSync(path, { force: true });
  // With a database elsewhere nobody has made the folder yet.
  mkdirSync(config.home, { recursive: true });
  writeFileSync(path, `${link}\n`, { mode: 0o600, flag: "wx" });
  if (isTerminal) say(`Set up this gateway (once, within 30 minutes): ${link}`);
  log.info("Nobody has signed in yet; a link that sets this gateway up lies in a file", { path });
}
