// Which databases a move is from and to: what the flags say, and the configuration where they do not. Opens nothing but ends of a move.

import { join, resolve } from "node:path";
import type { Config } from "../../config/index.ts";
import { BOOK_RULES } from "../../ledger/index.ts";
import { findHomedir } from "../../lib/home.ts";
import { locateLedger, readScheme } from "../../store/location.ts";
import type { End } from "../../store/transfer/end.ts";
import { openEnd, openSource } from "../../store/transfer/open.ts";
import { settleBooks } from "../../store/transfer/outstanding.ts";
import { CliError, EXIT } from "../error.ts";
import { count, say } from "../output.ts";
import { refuseValue } from "../value.ts";

const PLACE =
  "a file, sqlite:PATH, a postgres:// DSN, sqlite for the files of the configuration, or config for whatever it names";

export const FROM_ARGS = {
  from: { type: "string", description: `What is read: ${PLACE} (default: config)`, valueHint: "PLACE" },
  "from-ledger": {
    type: "string",
    description: "Its books, where they lie in a database of their own",
    valueHint: "PLACE",
  },
} as const;

export const TO_ARGS = {
  to: {
    type: "string",
    description: `Where to: likewise (default: config, where --from is something else)`,
    valueHint: "PLACE",
  },
  "to-ledger": { type: "string", description: "The books, where they get a database of their own", valueHint: "PLACE" },
} as const;

export interface PlaceFlags {
  from?: string | undefined;
  "from-ledger"?: string | undefined;
  to?: string | undefined;
  "to-ledger"?: string | undefined;
}

type Paths = Pick<Config, "identityPath" | "ledgerPath" | "outboxPath">;

/** One location, or that of the users and that of the books. */
export function locateSources(flags: PlaceFlags, config: Paths): string[] {
  return locate({ flag: "from", value: flags.from, ledger: flags["from-ledger"] }, config);
}

export function locateTargets(flags: PlaceFlags, config: Paths): string[] {
  const { from = "config", to } = flags;
  if (to === undefined && (from === "config" || from === "sqlite")) {
    throw new CliError("--to is missing.", {
      exitCode: EXIT.usage,
      hint: "Say where to: a postgres:// DSN, or the path of a new file.",
    });
  }
  return locate({ flag: "to", value: to, ledger: flags["to-ledger"] }, config);
}

interface Asked {
  flag: "from" | "to";
  value: string | undefined;
  ledger: string | undefined;
}

function locate({ flag, value = "config", ledger }: Asked, config: Paths): string[] {
  const own = config.identityPath;
  const books = locateLedger(config);
  const first = value === "config" || value === "sqlite" ? own : readPlace(flag, value);
  if (value === "sqlite" && [own, books].some((path) => readScheme(path) !== "")) {
    throw refuseValue(flag, "the configuration names a PostgreSQL; write sqlite:PATH, or config for what it names");
  }
  if (ledger !== undefined) return unite(first, readPlace(`${flag}-ledger`, ledger));
  if (value === "config" || value === "sqlite") return unite(first, books);
  if (flag === "from" && first === own && books !== own) {
    say(`note: the books of this configuration lie in a database of their own, which is taken along (--from-ledger)`);
    return unite(first, books);
  }
  return [first];
}

function unite(first: string, second: string): string[] {
  return first === second ? [first] : [first, second];
}

function readPlace(flag: string, text: string): string {
  const path = text.replace(/^sqlite:(?:\/\/)?/iu, "");
  if (path.trim() === "") throw refuseValue(flag, "it is empty; give a file or a DSN");
  if (readScheme(path) !== "") return path;
  if (/^postgres(?:ql)?$/iu.test(path))
    throw refuseValue(flag, "write the whole DSN: postgres://user:password@host:5432/database");
  if (/\.sql$/iu.test(path))
    throw refuseValue(flag, "this is a database; tokligence migrate export writes SQL, and psql loads it");
  if (!path.startsWith("~/")) return resolve(path);
  const home = findHomedir();
  if (home === null) throw refuseValue(flag, "this user has no home folder (HOME is not set); write the whole path");
  return join(home, path.slice(2));
}

/** Opens all of them; whatever fails, none stays open. */
export async function withEnds<T>(
  { sources, targets }: { sources: readonly string[]; targets: readonly string[] },
  { isRead = false }: { isRead?: boolean },
  work: (ends: { sources: End[]; targets: End[] }) => Promise<T>,
): Promise<T> {
  const ends: { sources: End[]; targets: End[] } = { sources: [], targets: [] };
  try {
    for (const location of sources) ends.sources.push(await openSource(location));
    for (const location of targets) {
      const end = isRead ? await openSource(location) : await openEnd(location, true);
      ends.targets.push(end);
      if (ends.sources.some(({ name }) => name === end.name)) {
        throw new CliError(`${end.place} is the source and the target.`, {
          exitCode: EXIT.usage,
          hint: "Give two different databases as --from and --to.",
        });
      }
    }
    return await work(ends);
  } finally {
    for (const end of [...ends.sources, ...ends.targets]) await end.close();
  }
}

/** Puts on the books what is on its way to them; refuses where a gateway works there, unless that is wanted. */
export async function quietSources(
  locations: readonly string[],
  ends: readonly End[],
  { config, isLive }: { config: Paths; isLive: boolean },
): Promise<{ isInUse: boolean }> {
  const users = await listUsers(ends);
  const books = locations.at(-1) ?? "";
  const isFile = readScheme(books) === "";
  const isOwn = books === locateLedger(config);
  if (isOwn && !isFile) {
    const outbox = await openEnd(config.outboxPath, false);
    users.push(...(await listUsers([outbox])));
    await outbox.close();
  }
  if (users.length > 0 && !isLive) {
    throw new CliError(`The source is in use: ${[...new Set(users)].join(", ")}.`, {
      exitCode: EXIT.conflict,
      hint: "Stop it; or give --live to read the database as it is at one moment, and run the same line again once it is stopped.",
    });
  }
  if (!isFile && !isOwn)
    say(
      "note: whether rows wait in the outbox of a gateway for that database cannot be seen from here; stop it in order first",
    );
  if (isFile || isOwn) {
    const settled = await settleBooks({
      file: isFile ? books : config.outboxPath,
      isOutbox: !isFile,
      rules: BOOK_RULES,
    });
    if (settled.interrupted > 0)
      say(`note: ${count(settled.interrupted, "call")} that had been open when a gateway died are on the books now`);
  }
  return { isInUse: users.length > 0 };
}

export async function refuseUsedTargets(ends: readonly End[]): Promise<void> {
  const users = await listUsers(ends);
  if (users.length === 0) return;
  throw new CliError(`The target is in use: ${users.join(", ")}.`, {
    exitCode: EXIT.conflict,
    hint: "Stop it: nobody may write there while rows are brought over.",
  });
}

async function listUsers(ends: readonly End[]): Promise<string[]> {
  const users: string[] = [];
  for (const end of ends) {
    const user = await end.findUser();
    if (user !== null) users.push(user);
  }
  return users;
}
