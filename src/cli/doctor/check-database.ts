// The databases: whether each is there, whole, of this program's schema, and set up so that the gateway can work on it.

import { accessSync, constants, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Glance } from "../../store/glance.ts";
import { locateLedger } from "../../store/location.ts";
import type { PostgresFacts } from "../../store/postgres/glance.ts";
import type { SqliteFacts } from "../../store/sqlite/glance.ts";
import {
  type Check,
  type Exam,
  type Finding,
  type Sight,
  describe,
  failure,
  note,
  ok,
  printBytes,
  warning,
} from "./finding.ts";
import { judgeRights } from "./right.ts";

const CHECK_BUDGET_MS = 4_000;
const LARGE_LOG_BYTES = 256 * 1024 * 1024;
const SLOW_MS = 25;
const OLDEST_VERSION = 130_000;

export const checkDatabases: Check = async (exam) => {
  const { config } = exam;
  const isOne = locateLedger(config) === config.identityPath;
  const sights = [
    { path: config.identityPath, sight: await exam.identity() },
    ...(isOne ? [] : [{ path: config.ledgerPath, sight: await exam.ledger() }]),
  ];
  return sights.flatMap(({ path, sight }) => judge(exam, path, sight));
};

function judge(exam: Exam, path: string, { place, glance, fault }: Sight): Finding[] {
  if (fault !== null) {
    return [
      failure(place, {
        found: exam.clean(describe(fault)),
        why: "Nothing that is kept there is known: the gateway does not start, or refuses requests.",
        remedy: path.includes("://")
          ? "Do what it says; then ask again."
          : "Do what it says, or put a backup of the file in its place.",
      }),
    ];
  }
  if (glance === null) return [judgeNew(path)];
  const { facts } = glance;
  const own = facts.engine === "sqlite" ? judgeSqlite(path, facts) : judgePostgres(exam, facts);
  return [...own, ...judgeSchemaState(place, glance)];
}

/** It is made at the first start, in a folder that is made, too. */
function judgeNew(path: string): Finding {
  for (let folder = dirname(path); ; folder = dirname(folder)) {
    const stat = statSync(folder, { throwIfNoEntry: false });
    if (stat === undefined && folder !== dirname(folder)) continue;
    if (stat?.isDirectory() === true && mayWrite(folder))
      return note(path, {
        found: "is not there yet",
        why: "There are no users, keys or rows before the first start.",
        remedy: 'Start the gateway: "tokligence serve" makes it. Where there should be one, look at the path.',
      });
    return failure(path, {
      found: `is not there, and cannot be made: ${folder} may not be written by this user`,
      why: "The gateway does not start.",
      remedy: `Give this user the right to write in ${folder}, or say another path.`,
    });
  }
}

function mayWrite(path: string): boolean {
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

function judgeSqlite(path: string, { bytes, logBytes, check }: SqliteFacts): Finding[] {
  const { fault, left } = check(CHECK_BUDGET_MS);
  const size = `${printBytes(bytes)}, its log ${printBytes(logBytes)}`;
  const findings: Finding[] = judgeRights(path, "users, keys' hashes and the books");
  if (!mayWrite(path)) {
    findings.push(
      failure(path, {
        found: "may not be written by this user",
        why: "The gateway does not start.",
        remedy: "Run it as the user who owns the file, or give the file to this one.",
      }),
    );
  }
  if (fault !== null) {
    findings.push(
      failure(path, {
        found: `is damaged: ${fault.replaceAll(/\s+/gu, " ").slice(0, 200)}`,
        why: "Rows may be lost or wrong, and more may become so with each write.",
        remedy: `Stop the gateway, keep a copy of all files beside it, and try "sqlite3 FILE .recover"; or put a backup in its place.`,
      }),
    );
  } else if (left.length > 0) {
    findings.push(
      note(path, {
        found: `${size}; whole as far as there was time, without ${left.join(", ")}`,
        why: "Tables of this size take longer to look through.",
        remedy: `In a quiet hour: sqlite3 "${path}" "pragma quick_check"`,
      }),
    );
  } else findings.push(ok(path, `${size}; whole`));
  if (logBytes > LARGE_LOG_BYTES) {
    findings.push(
      warning(`${path}-wal`, {
        found: `the log beside the file has grown to ${printBytes(logBytes)}`,
        why: "It is moved into the file when nobody reads; as it is, reading gets slow and the disk fills.",
        remedy: "End programs that keep the file open for long, such as a sqlite3 shell or a backup.",
      }),
    );
  }
  return findings;
}

function judgePostgres({ config }: Exam, facts: PostgresFacts): Finding[] {
  const { place, version, versionNumber, latencyMs, maxConnections, connections, isReadOnly, isTls } = facts;
  const findings = [
    ok(
      place,
      `version ${version}, answers in ${latencyMs} ms, ${connections} of ${maxConnections} connections in use${isTls ? ", over TLS" : ""}`,
    ),
  ];
  const wanted = config.database.maxConnections;
  if (isReadOnly)
    findings.push(
      failure(place, {
        found: "takes no writes: it is a standby, or set to be read only",
        why: "The gateway does not start on it.",
        remedy: "Say the primary server in the DSN.",
      }),
    );
  if (versionNumber < OLDEST_VERSION)
    findings.push(
      warning(place, {
        found: `version ${version} is older than what the gateway is tried with`,
        why: "Its makers mend it no more, and statements may be refused.",
        remedy: "Move to PostgreSQL 13 or later.",
      }),
    );
  if (wanted > maxConnections - connections)
    findings.push(
      (wanted > maxConnections ? failure : warning)(place, {
        found: `each gateway opens up to ${wanted} connections, and ${Math.max(0, maxConnections - connections)} of ${maxConnections} are free`,
        why: "Beyond that the server refuses, and requests wait or fail. A gateway that runs has some of those in use.",
        remedy: "Lower db_max_open_conns, raise max_connections of the server, or put a pooler in between.",
      }),
    );
  if (latencyMs > SLOW_MS)
    findings.push(
      warning(place, {
        found: `takes ${latencyMs} ms to answer the smallest question`,
        why: "Commands and pages ask several, one after another.",
        remedy: "Let the gateway run nearer to its database.",
      }),
    );
  return findings;
}

function judgeSchemaState(place: string, { schema }: Glance): Finding[] {
  const { clash, foreign, isEarlier, isEmpty, pending } = schema;
  if (foreign !== null)
    return [
      failure(place, {
        found: `was written by a newer version of this program (migration ${foreign})`,
        why: "This program does not start on it: its tables may mean something else by now.",
        remedy: "Use the newer version, or a backup from before.",
      }),
    ];
  if (isEarlier)
    return [
      failure(place, {
        found: "is a database of the earlier edition",
        why: "This program does not start on it, and mixes nothing with what lies there.",
        remedy:
          "Move it away, or say another path; tokligence migrate import-legacy reads it, where it is a SQLite file.",
      }),
    ];
  if (clash !== null)
    return [
      failure(place, {
        found: `has a table "${clash}" that this program did not make`,
        why: "This program does not start on it: it would make one of that name itself.",
        remedy: "Move it away, or say another path or database (identity_path, ledger_path).",
      }),
    ];
  if (pending === 0) return [];
  return [
    note(place, {
      found: isEmpty ? "is empty" : `its tables are older than this program: ${pending} changes are to be made`,
      why: "The next start makes them by itself; an older version cannot use the database afterwards.",
      remedy: isEmpty ? 'Start the gateway: "tokligence serve".' : "Make a backup, then start this version.",
    }),
  ];
}
