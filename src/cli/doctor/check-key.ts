// Our own keys: the one that signs the books, and the one that providers' credentials are encrypted with. Nothing of either is ever shown.

import { statSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Glance } from "../../store/glance.ts";
import { type BooksSight, glanceChains, listSealIds } from "../../store/glance-row.ts";
import { readKey } from "../ledger/key-file.ts";
import { openSecretKeys } from "../secret-key.ts";
import { type Check, type Exam, type Finding, describe, failure, note, ok, warning } from "./finding.ts";
import { judgeRights } from "./right.ts";

export const checkKeys: Check = async (exam) => [...(await judgeSigningKey(exam)), ...(await judgeSecretKey(exam))];

async function judgeSigningKey(exam: Exam): Promise<Finding[]> {
  const path = exam.config.ledger.keyFile;
  const why =
    "It signs the books: with another one a new chain begins, and signed heads are needed to prove what came before.";
  const { glance } = await exam.ledger();
  const chains = glance === null || glance.schema.isEmpty ? [] : await listChains(glance);
  let key: ReturnType<typeof readKey>;
  try {
    key = readKey(path);
  } catch (error) {
    return [
      failure(path, {
        found: describe(error),
        why,
        remedy: "Put the right file there, from a backup, or set ledger_key_file.",
      }),
    ];
  }
  if (key === null) {
    if (chains.length === 0)
      return [
        note(path, {
          found: "is not there yet",
          why,
          remedy: "The first start makes it; keep a copy apart from the database's.",
        }),
      ];
    return [
      failure(path, {
        found: `is not there, though the books are signed (with ${[...new Set(chains.map(({ keyId }) => keyId))].join(", ")})`,
        why,
        remedy: "Put the key there, from a backup, before the next start: that would make a new one.",
      }),
    ];
  }
  const { id } = key;
  const findings = [...judgeRights(path, "the private key that signs the books", true), ...judgeFolder(dirname(path))];
  if (chains.length > 0 && chains.every(({ keyId }) => keyId !== id)) {
    // Gateways that share a PostgreSQL each sign with a key of their own.
    const say = glance?.facts.engine === "postgres" ? note : warning;
    findings.push(
      say(path, {
        found: `no chain of the books is signed with this key (${id})`,
        why,
        remedy: "Where this gateway has written before, bring back its key; a new gateway begins a chain of its own.",
      }),
    );
  } else findings.push(ok(path, `signs the books (${id})`));
  return findings;
}

/** The first versions had none. */
async function listChains({ engine, schema }: Glance): Promise<BooksSight["chains"]> {
  try {
    return await glanceChains(engine);
  } catch (error) {
    if (schema.pending === 0) throw error;
    return [];
  }
}

async function judgeSecretKey(exam: Exam): Promise<Finding[]> {
  const { config } = exam;
  const path = join(config.home, "secret.key");
  const { glance } = await exam.identity();
  const wanted = glance === null || glance.schema.pending > 0 ? [] : await listSealIds(glance.engine);
  const why = "It opens the keys of providers that were set while the gateway ran: without it they must be set again.";
  let known: string[];
  try {
    known = openSecretKeys(() => config)
      .list()
      .map(({ id }) => id);
  } catch (error) {
    return [
      failure(path, {
        found: describe(error),
        why,
        remedy: "Put the right file there, from a backup, or set secret_key.",
      }),
    ];
  }
  const missing = wanted.filter((id) => !known.includes(id));
  const findings = judgeRights(path, "the key that providers' credentials are encrypted with", true);
  if (missing.length > 0)
    findings.push(
      failure(path, {
        found: `${known.length === 0 ? "there is no key" : "the key is missing"} that opens credentials in the database (${missing.join(", ")})`,
        why,
        remedy:
          'Copy secret.key from where they were set, name it in secret_key, or set them again: "tokligence admin providers set-key NAME".',
      }),
    );
  else if (wanted.length > 0) findings.push(ok(path, `opens all credentials in the database (${wanted.join(", ")})`));
  else if (known.length === 0) findings.push(ok(path, "is not needed yet: no provider's key is kept in the database"));
  else findings.push(ok(path, "is there; no provider's key is kept in the database"));
  return findings;
}

/** Whoever may write in the folder may put another key in its place. */
function judgeFolder(folder: string): Finding[] {
  const stat = statSync(folder, { throwIfNoEntry: false });
  if (stat === undefined || process.platform === "win32" || (stat.mode & 0o022) === 0) return [];
  return [
    failure(folder, {
      found: "other users of this machine may write in this folder",
      why: "They may put files of their own in the place of keys and databases.",
      remedy: `chmod 700 "${folder}"`,
    }),
  ];
}
