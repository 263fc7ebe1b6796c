// A record of changes to tamper with: written and signed as a gateway does it, then changed behind its back. On either engine.

import { Database } from "bun:sqlite";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { placeChangeHeads } from "../../../src/cli/admin/audit/head-file.ts";
import { startChangeSigning } from "../../../src/cli/change-signing.ts";
import { openKey } from "../../../src/cli/ledger/key-file.ts";
import type { Origin } from "../../../src/lib/change.ts";
import { type Smtp, type Target, createNotifier } from "../../../src/notice/index.ts";
import type { Store } from "../../../src/store/index.ts";
import { type Desk, makeDesk } from "../../cli/desk.ts";
import { makeClock } from "../../clock.ts";
import { runSql } from "../../postgres.ts";
import { makeConfig } from "../../rig.ts";
import { makeUser } from "../../store/sample.ts";

export interface Finding {
  kind: string;
  id: string | null;
  seq: number | null;
  to_seq: number | null;
  text: string;
}

export interface Report {
  ok: boolean;
  rows: number;
  chains: { database: string; rows: number; signed_to: number }[];
  findings: Finding[];
  notes: string[];
}

export interface Recorded {
  desk: Desk;
  keyFile: string;
  headFile: string;
  /** So many changes, signed at the end unless said otherwise. */
  write(count: number, isSigned?: boolean, anchored?: Anchored): Promise<void>;
  /** Behind the gateway's back. */
  tamper(statement: string): Promise<void>;
  query(statement: string): Promise<readonly Record<string, unknown>[]>;
  verify(...flags: string[]): Promise<Report & { code: number; err: string }>;
  /** What was kept beside the key is put back as it was, or taken away. */
  readHeads(): string;
  writeHeads(text: string): void;
}

/** Where signed heads go, off the machine. */
export interface Anchored {
  targets: readonly Target[];
  smtp: Smtp | null;
}

const NOWHERE: Anchored = { targets: [], smtp: null };

const BY: Origin = {
  actor: "operator",
  actorId: null,
  actorName: "ops",
  keyId: null,
  address: null,
  requestId: null,
  at: new Date("2026-05-04T03:02:01.987Z"),
};

/** On SQLite, or on the PostgreSQL database of the DSN. */
export function makeRecord(dsn?: string): Recorded {
  const desk = makeDesk(dsn);
  const keyFile = join(desk.folder, "ledger.key");
  const headFile = placeChangeHeads(keyFile);
  const query: Recorded["query"] = async (statement) => {
    if (dsn !== undefined) return runSql(dsn, statement);
    const db = new Database(join(desk.folder, "identity.db"));
    try {
      return db.query<Record<string, unknown>, []>(statement).all();
    } finally {
      db.close();
    }
  };
  const sign = async (store: Store, { targets, smtp }: Anchored): Promise<void> => {
    const quiet = (): void => undefined;
    const fail = (message: string): void => {
      throw new Error(message);
    };
    const log = { debug: quiet, info: quiet, warn: fail, error: fail, setLevel: quiet };
    const clock = makeClock();
    const notifier = createNotifier({ targets, smtp, clock, fetch, log });
    const ledger = { ...makeConfig(desk.folder).ledger, anchors: targets, keyFile };
    const parts = { ...store, key: openKey(keyFile), config: { ledger }, clock, notifier, log };
    await (await startChangeSigning(parts)).stop();
    await notifier.stop(10_000);
  };
  return {
    desk,
    keyFile,
    headFile,
    query,
    write: (count, isSigned = true, anchored = NOWHERE) =>
      desk.withStore(async (store) => {
        for (let at = 0; at < count; at++) {
          await store.identity.createUsers([makeUser({ displayName: `user ${at}` })], BY);
        }
        if (isSigned) await sign(store, anchored);
      }),
    async tamper(statement) {
      await query(statement);
    },
    async verify(...flags) {
      const { code, out, err } = await desk.run(["admin", "audit", "verify", "--json", ...flags]);
      return { ...(JSON.parse(out) as Report), code, err };
    },
    readHeads: () => readFileSync(headFile, "utf8"),
    writeHeads: (text) => writeFileSync(headFile, text),
  };
}
