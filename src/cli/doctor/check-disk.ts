// Room on the disks that the gateway writes to: its home, its databases with their journals, its logs, and what is held for a while.

import { accessSync, constants, statSync, statfsSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import type { Config } from "../../config/index.ts";
import { type Check, type Finding, describe, failure, ok, printBytes, warning } from "./finding.ts";

const SCARCE_BYTES = 1024 ** 3;
const OUT_BYTES = 128 * 1024 ** 2;
const SCARCE_FILES = 1_000;

export const checkDisk: Check = async ({ config }) => {
  const byDisk = Map.groupBy(listPlaces(config), ({ folder }) => `${statSync(folder).dev}`);
  return [...byDisk.values()].map(judge).concat(judgeTemporary(tmpdir()));
};

/** What of it is full is said beside what else lies there. */
function judgeTemporary(folder: string): Finding[] {
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return [];
  } catch (error) {
    const remedy = "Make the folder, and let the gateway's user write there, or name another one in TMPDIR.";
    const why = "Uploads of more than 1 MiB are refused.";
    return [failure(folder, { found: `cannot be written: ${describe(error)}`, why, remedy })];
  }
}

interface Place {
  what: string;
  folder: string;
}

function listPlaces(config: Config): Place[] {
  const { home, identityPath, ledgerPath, outboxPath, cache, log } = config;
  const isFile = (path: string): boolean => !path.includes("://");
  const files = [
    ...(isFile(identityPath) ? [{ what: "users and keys", path: identityPath }] : []),
    { what: "the books and their journal", path: isFile(ledgerPath) ? ledgerPath : outboxPath },
    ...(cache.store === "sqlite" ? [{ what: "the cache", path: cache.path }] : []),
    ...[log.fileDaemon, log.fileCli].flatMap((path) => (path === null || path === "-" ? [] : [{ what: "logs", path }])),
  ];
  const places = [
    { what: "home", folder: home },
    ...files.map(({ what, path }) => ({ what, folder: dirname(path) })),
    { what: "uploads that are held for a while", folder: tmpdir() },
  ];
  return places.map(({ what, folder }) => ({ what, folder: findExisting(folder) }));
}

/** What is not there yet will be made on the disk of the folder above it. */
function findExisting(folder: string): string {
  for (let at = folder; ; at = dirname(at)) {
    if (statSync(at, { throwIfNoEntry: false })?.isDirectory() === true || at === dirname(at)) return at;
  }
}

function judge(places: readonly Place[]): Finding {
  const what = [...new Set(places.map((place) => place.what))].join(", ");
  const folder = places[0]?.folder ?? "/";
  const words = {
    why: `There lie ${what}: when it is full, requests are refused.`,
    remedy: `Free some space under ${folder}, or move what grows.`,
  };
  try {
    const { bavail, bsize, files, ffree } = statfsSync(folder);
    const free = bavail * bsize;
    const found = `${printBytes(free)} free for ${what}`;
    // Some file systems count no files.
    const isOutOfFiles = files > 0 && ffree < SCARCE_FILES;
    if (free < OUT_BYTES || (isOutOfFiles && ffree === 0)) return failure(folder, { found, ...words });
    if (free < SCARCE_BYTES || isOutOfFiles)
      return warning(folder, { found: isOutOfFiles ? `${found}, and ${ffree} more files` : found, ...words });
    return ok(folder, found);
  } catch (error) {
    return warning(folder, { found: `cannot be looked at: ${describe(error)}`, ...words });
  }
}
