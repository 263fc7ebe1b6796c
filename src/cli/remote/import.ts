// A list of users for a gateway elsewhere: checked and written there in pieces, by the rules of a list that is read here. Knows no CSV.

import { type Directory, type ImportRow, type StreamOptions, type User, importStream } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";
import type { HandedLink } from "../admin/user/import-file.ts";
import { CliError, EXIT } from "../error.ts";
import type { Remote } from "./client.ts";
import { type PrintedUser, readUser } from "./read.ts";

interface Imported {
  created: (PrintedUser & { link?: string; link_expires_at?: string })[];
  skipped: { row: number; email: string; reason: string }[];
  refused: { row: number; email: string; reason: string }[];
}

/** `links`: also makes a link for each user, and keeps it here, by id. */
export async function importThere(
  remote: Remote,
  source: () => AsyncIterable<ImportRow>,
  options: StreamOptions & { links?: Map<string, HandedLink> },
): ReturnType<Directory["importStream"]> {
  const { links } = options;
  const send = (users: readonly object[], how: object): Promise<Imported> =>
    remote.ask({ method: "POST", path: "/api/v1/admin/users/import", body: { users, ...how } });
  const store = {
    async findTaken(emails: readonly string[]): Promise<Set<string>> {
      const users = [...new Set(emails)].map((email) => ({ email }));
      if (users.length === 0) return new Set();
      const { skipped } = await send(users, { dry_run: true, skip_existing: true, skip_invalid: true });
      return new Set(skipped.map(({ email }) => email));
    },
    async createUsers(users: readonly User[]): Promise<void> {
      if (users.length === 0) return;
      const wanted = users.map(({ email, role, displayName }) => ({ email, role, display_name: displayName }));
      const { created } = await send(wanted, { links: links !== undefined }).catch(toConflict);
      for (const [index, { link, link_expires_at: expiresAt, ...printed }] of created.entries()) {
        // As the gateway has made it: with its own id.
        const user = users[index];
        if (user !== undefined) Object.assign(user, readUser(printed));
        if (link !== undefined && expiresAt !== undefined)
          links?.set(printed.id, { email: printed.email, link, expiresAt });
      }
    },
  };
  const context = {
    store,
    now: Date.now,
    newId: () => Bun.randomUUIDv7(),
    randomBytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  };
  return importStream(context, await readActor(remote), source, options);
}

/** Somebody was faster with one of the addresses: the next look sees it. */
function toConflict(error: unknown): never {
  if (!(error instanceof CliError) || error.exitCode !== EXIT.conflict) throw error;
  throw new GatewayError({ kind: "conflict", message: error.message.replace(/^Row \d+: /u, ""), cause: error });
}

/** Whose rows these are, so that each that he may not make is told before any is written; where he may not read that, the gateway tells at the end. */
async function readActor(remote: Remote): Promise<Parameters<Directory["importStream"]>[0]> {
  try {
    const { user } = await remote.ask<{ user: { id: string; role: User["role"] } }>(
      {
        method: "GET",
        path: "/api/v1/profile",
      },
      "user",
    );
    return { kind: "user", userId: user.id, role: user.role };
  } catch (error) {
    if (error instanceof CliError && error.exitCode === EXIT.denied && error.code !== "invalid_api_key")
      return { kind: "operator" };
    throw error;
  }
}
