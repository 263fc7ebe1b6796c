// `bun scripts/bench/writer.ts [--rounds N] [--json]`: what the books cost the thread that serves, without a server around them: the same announcements
// and rows given to the writer as the daemon has it, and to one that only waits for the end of the event loop's turn. Linux alone tells the CPU time
// of one thread.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startBinderyThread } from "../../src/cli/bindery.ts";
import { BOOK_RULES, createLedgerWriter, type Intent, type LedgerWriter } from "../../src/ledger/index.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { openStore } from "../../src/store/index.ts";
import { makeEntry } from "../../test/ledger/entry.ts";
import { stopAllOnSignal } from "./peer/launch.ts";
import { aCount, aSwitch, readFlags } from "../flag.ts";
import { makeScratch } from "./run/scratch.ts";

const values = readFlags({ json: aSwitch, rounds: aCount(15) });
stopAllOnSignal();
const REQUESTS = 4_000;
const CLIENTS = [1, 8, 32] as const;

const folder = makeScratch("writer");
const store = await openStore({
  identityPath: join(folder, "identity.db"),
  ledgerPath: join(folder, "ledger.db"),
  database: { maxConnections: 1, maxIdleMs: 0, maxLifetimeMs: 0 },
  isServer: true,
});
const books = await store.openJournal({
  outboxPath: join(folder, "outbox.db"),
  durability: "process",
  rules: BOOK_RULES,
  startThread: startBinderyThread,
  key: { id: "bench", publicKey: "" },
  findHead: () => null,
  now: new Date(),
  after: systemClock.after,
  onTiding: (tiding) => console.error(tiding),
});
const writer = createLedgerWriter({
  journal: books.journal,
  schedule: setImmediate,
  after: systemClock.after,
  nowMs: systemClock.monotonicMs,
  refusal: books.refusal,
  onFault: (error) => console.error(error),
  onRecovery: () => undefined,
});

const endOfTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
type Books = Pick<LedgerWriter, "add" | "fault" | "intend">;
const nothing: Books = {
  fault: () => null,
  intend: () => ({ ticket: { number: 0, isOver: false }, durable: endOfTurn() }),
  add: endOfTurn,
};

const attempt = { provider: "openai", model: "gpt-4o", errorKind: null, upstreamRequestId: null, latencyMs: 3 };
const usageRaw = '{"prompt_tokens":12,"completion_tokens":50,"total_tokens":62}';
const hashes = { payloadDigest: "d".repeat(43), requestHash: "q".repeat(43), responseHash: "a".repeat(43) };

async function ask({ fault, intend, add }: Books): Promise<void> {
  const id = Bun.randomUUIDv7();
  const row = makeEntry({ id, ...hashes, attempts: [{ ...attempt, status: 200, usageRaw }] });
  const { requestId, createdAt, userId, apiKeyId, endpoint, modelAsked, provider } = row;
  const known = { id, requestId, createdAt, userId, apiKeyId, endpoint, modelAsked, provider };
  const intent: Intent = { ...known, attempts: [{ ...attempt, status: null, errorKind: "interrupted" }] };
  const why = fault();
  if (why !== null) throw why;
  const { ticket, durable } = intend(intent);
  await durable;
  await add(row, ticket);
}

/** Microseconds of this thread's CPU time a request. */
async function measure(given: Books, clients: number): Promise<number> {
  let left = REQUESTS;
  const before = readCpuUs();
  const work = async (): Promise<void> => {
    while (left-- > 0) await ask(given);
  };
  await Promise.all(Array.from({ length: clients }, work));
  return (readCpuUs() - before) / REQUESTS;
}

/** https://docs.kernel.org/scheduler/sched-stats.html */
function readCpuUs(): number {
  const [ns = ""] = readFileSync(`/proc/self/task/${process.pid}/schedstat`, "utf8").split(" ");
  return Number(ns) / 1_000;
}

const rows = [];
for (const clients of CLIENTS) {
  const differences: number[] = [];
  for (let round = -2; round < values.rounds; round++) {
    const without = await measure(nothing, clients);
    const difference = (await measure(writer, clients)) - without;
    await books.flush(10_000);
    // The first two are for warming up.
    if (round >= 0) differences.push(difference);
  }
  const sorted = differences.toSorted((left, right) => left - right);
  const at = (part: number): number =>
    Number((sorted[Math.floor(part * (sorted.length - 1))] ?? Number.NaN).toFixed(2));
  rows.push({ clients, loop_us: at(0.5), least: at(0), most: at(1) });
}
if (values.json) console.log(JSON.stringify(rows));
else console.log(Bun.inspect.table(rows));
await writer.drain();
await books.close(10_000);
await store.close();
process.exit(0);
