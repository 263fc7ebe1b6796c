// Signing in where a gateway starts: the link that sets it up, for whoever sits at the machine, and who does. Knows no HTTP.

import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, findAddress } from "../config/index.ts";
import { SETUP_MS, type SignIn } from "../identity/index.ts";
import { findSocketOwner, isHeldByServer } from "../lib/socket-owner.ts";
import type { Log } from "../telemetry/log.ts";
import { say } from "./output.ts";

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
  mkdirSync(config.home, { recursive: true, mode: 0o700 });
  writeFileSync(path, `${link}\n`, { mode: 0o600, flag: "wx" });
  if (isTerminal) say(`Set up this gateway (once, within 30 minutes): ${link}`);
  log.info("Nobody has signed in yet; a link that sets this gateway up lies in a file", { path });
}

/**
 * Once there is another way in for administrators, nobody gets in without proof any more, whatever becomes of it later. And where links in
 * e-mails lead nowhere but to this machine, somebody should know.
 */
export async function closeProoflessDoor({
  config,
  signIn,
  log,
}: {
  config: Config;
  signIn: SignIn;
  log: Log;
}): Promise<void> {
  await signIn.findProofless(config.smtp !== null || config.oidc !== null);
  if (config.signIn.publicUrl !== null || (config.smtp === null && config.oidc === null)) return;
  const address = findAddress(config);
  log.warn(
    "public_url is not set: sign-in links in e-mails, and the identity provider, lead people to this machine's own address",
    { address },
  );
}

/**
 * Anybody's but our own, and of ours a server's, behind which anybody may sit: a proxy that hides itself sends what a browser sends. Of what root runs
 * nobody else is told which it is. Where the system tells of all connections but not of this one, it is nobody's of ours.
 */
export function isForeign({ address, port }: { address: string; port: number | null }): boolean {
  if (port === null || findSocketOwner({ address, port }) !== process.getuid?.()) return true;
  return isHeldByServer({ address, port });
}
