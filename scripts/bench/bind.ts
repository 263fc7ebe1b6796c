// `bun scripts/bench/bind.ts [--requests N] [--rounds N] [--json]`: what it costs to take rows from the journal into the ledger's file: an announcement,
// a row, a recount and the end of the announcement a request, written as the daemon writes them, then bound on this thread alone, a load at a time,
// and without what is done to the log. Linux alone tells the CPU time of one thread.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { BOOK_RULES, createLedgerWriter, type Intent, type LedgerEntry, type Recount } from "../../src/ledger/index.ts";
import { openStore } from "../../src/store/index.ts";
import { openBinder } from "../../src/store/sqlite/binder.ts";
import { makeEntry } from "../../test/ledger/entry.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aCount, aSwitch, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const values = readFlags({ json: aSwitch, requests: aCount(40_000), rounds: aCount(5) });
stopAllOnSignal();
const CLIENTS = 32;
/** What comes in a twentieth of a second, at ten thousand requests in a second. */
const ROWS_A_TURN = 1_000;
const OWNERS = Array.from({ length: 40 }, () => ({ userId: Bun.randomUUIDv7(), apiKeyId: Bun.randomUUIDv7() }));

const folder = makeScratch("bind");
const location = join(folder, "ledger.db");
const store = await openStore({
  identityPath: join(folder, "identity.db"),
  ledgerPath: location,
  database: { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 },
});
let now = 0;
const never = (): (() => void) => () => undefined;
const books = await store.openJournal({
  outboxPath: join(folder, "outbox.db"),
  durability: "process",
  rules: BOOK_RULES,
  key: { id: "bench".repeat(8), publicKey: "" },
  findHead: () => null,
  now: new Date(),
  // Nothing is bound but what is bound below.
  after: never,
  limits: { maxBacklogBytes: Number.MAX_SAFE_INTEGER },
  onTiding: (tiding) => console.error(tiding),
});
const writer = createLedgerWriter({
  journal: books.journal,
  schedule: setImmediate,
  after: never,
  nowMs: () => now++,
  onFault: (error) => console.error(error),
  onRecovery: () => undefined,
});

const usageRaw =
  '{"prompt_tokens":12,"completion_tokens":150,"total_tokens":162,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}';

function makeRow(number: number): LedgerEntry {
  const at = new Date();
  const attempt = {
    provider: "openai",
    model: "gpt-4o",
    status: 200,
    errorKind: null,
    upstreamRequestId: `req_${number.toString(16).padStart(32, "0")}`,
    latencyMs: Number((3 + Math.random()).toFixed(3)),
    answerId: `chatcmpl-${number}`,
    usageRaw,
  };
  const random = (): string => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString("base64url");
  return makeEntry({
    id: Bun.randomUUIDv7(),
    requestId: Bun.randomUUIDv7(),
    createdAt: at,
    ...OWNERS[number % OWNERS.length],
    latencyMs: attempt.latencyMs + 0.25,
    attempts: [attempt],
    payloadDigest: random(),
    requestHash: random(),
    responseHash: random(),
    payloadSalt: random().slice(0, 22),
    serviceTier: "default",
    reasoningTokens: 0,
    priceId: "openai/gpt-4o",
    priceSource: "genai-prices@0.1.8",
  });
}

function makeRecount(entryId: string): Recount {
  return {
    entryId,
    createdAt: new Date(),
    state: "counted",
    reason: null,
    method: "exact",
    tokenizer: "o200k_base",
    tokenizerVersion: "gpt-tokenizer@4.0.0",
    inputTokens: 216,
    inputLow: 216,
    inputHigh: 216,
    outputTokens: 150,
    outputLow: 150,
    outputHigh: 151,
    verdict: "over",
  };
}

let recounts: Recount[] = [];

async function ask(number: number): Promise<void> {
  const row = makeRow(number);
  const { id, requestId, createdAt, userId, apiKeyId, endpoint, modelAsked, provider } = row;
  const known = { id, requestId, createdAt, userId, apiKeyId, endpoint, modelAsked, provider };
  const attempt = { provider: "openai", model: "gpt-4o", status: null, errorKind: "interrupted" } as const;
  const intent: Intent = { ...known, attempts: [{ ...attempt, upstreamRequestId: null, latencyMs: 0 }] };
  const { ticket, durable } = writer.intend(intent);
  await durable;
  await writer.add(row, ticket);
  recounts.push(makeRecount(id));
  if (recounts.length < 64) return;
  const full = recounts;
  recounts = [];
  await writer.addRecounts(full);
}

async function write(requests: number): Promise<void> {
  let left = requests;
  const work = async (): Promise<void> => {
    while (left-- > 0) await ask(left);
  };
  await Promise.all(Array.from({ length: CLIENTS }, work));
}

interface Cpu {
  thread: number;
  process: number;
}

/** Microseconds. https://docs.kernel.org/scheduler/sched-stats.html */
function readCpu(): Cpu {
  const { user, system } = process.cpuUsage();
  const [ns = ""] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
  return { thread: Number(ns) / 1_000, process: user + system };
}

const { requests } = values;
const binder = openBinder({
  location,
  rules: BOOK_RULES,
  durability: "process",
  checkpoints: "thread",
  now: () => new Date(),
});
const results = [];
for (let round = 0; round < values.rounds; round++) {
  await write(requests);
  const before = readCpu();
  let rows = 0;
  for (;;) {
    const bound = binder.bind(0, { to: null, most: ROWS_A_TURN });
    if (bound === null) break;
    rows += bound.rows;
  }
  const after = readCpu();
  binder.db.run("PRAGMA wal_checkpoint(TRUNCATE)");
  const per = (us: number, count: number): number => Number((us / count).toFixed(2));
  results.push({
    rows,
    thread_us_a_request: per(after.thread - before.thread, requests),
    process_us_a_request: per(after.process - before.process, requests),
    thread_us_a_row: per(after.thread - before.thread, rows),
  });
}
if (values.json) console.log(JSON.stringify(results));
else console.log(Bun.inspect.table(results));
binder.end();
process.exit(0);
