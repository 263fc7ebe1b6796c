// The two files that an import writes: of rows that cannot be taken, and of links to hand out. Only this user reads them. Knows no database.

import { type FileHandle, open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import type { RowOutcome } from "../../../identity/index.ts";
import { printCsvLine } from "../../../lib/csv.ts";
import { CliError, EXIT } from "../../error.ts";
import { refuseDatabase } from "../../export-file.ts";

/** Refuses flags that name one file: what is read would be overwritten before anybody has read it. */
export async function keepApart(flags: readonly (readonly [string, string | undefined])[]): Promise<void> {
  const seen = new Map<string, string>();
  for (const [flag, path] of flags) {
    if (path === undefined || path === "-") continue;
    // oxlint-disable-next-line no-await-in-loop -- three at most
    const found = await stat(path).catch(() => null);
    if (found !== null && !found.isFile()) continue;
    const name = found === null ? resolve(path) : `${found.dev}/${found.ino}`;
    const other = seen.get(name);
    if (other !== undefined) {
      throw new CliError(`--${other} and --${flag} name the same file, ${path}: one would overwrite the other.`, {
        exitCode: EXIT.usage,
        hint: `Give --${flag} another file.`,
      });
    }
    seen.set(name, flag);
  }
}

export interface ErrorFile {
  add(outcomes: readonly RowOutcome[]): Promise<void>;
  close(): Promise<void>;
}

/** Its first columns are those of an import: mended, it can be given back as it is. */
export async function openErrorFile(path: string): Promise<ErrorFile> {
  const file = await openList(path, ["email", "role", "display_name", "line", "reason"]);
  return {
    async add(outcomes) {
      const lines = outcomes.flatMap((outcome) => {
        if (outcome.kind !== "refused") return [];
        const { wanted, line, row, error } = outcome;
        const { email, role = "", displayName } = wanted;
        return [printCsvLine([email, role, displayName ?? "", line ?? row, error.message])];
      });
      if (lines.length > 0) await file.appendFile(lines.join(""));
    },
    close: () => file.close(),
  };
}

/** A link that signs somebody in; both are empty where there is none, for he was changed by somebody else before it was made. */
export interface HandedLink {
  email: string;
  link: string;
  expiresAt: string;
}

export interface LinkFile {
  add(links: readonly HandedLink[]): Promise<void>;
  /** How many have no link. */
  countEmpty(): number;
  close(): Promise<void>;
}

export async function openLinkFile(path: string): Promise<LinkFile> {
  const file = await openList(path, ["email", "link", "expires_at"]);
  let empty = 0;
  return {
    async add(links) {
      for (const { link } of links) if (link === "") empty++;
      const lines = links.map(({ email, link, expiresAt }) => printCsvLine([email, link, expiresAt]));
      if (lines.length > 0) await file.appendFile(lines.join(""));
    },
    countEmpty: () => empty,
    close: () => file.close(),
  };
}

async function openList(path: string, columns: readonly string[]): Promise<FileHandle> {
  await refuseDatabase(path);
  try {
    const file = await open(path, "w", 0o600);
    await file.appendFile(printCsvLine(columns));
    return file;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${path} cannot be written: ${reason}`, {
      exitCode: EXIT.failed,
      hint: "Check that the folder is there and has room, or choose another file.",
    });
  }
}
