// Corrects the books where a provider tells afterwards what a call used that was cut: its figures less our estimate, as a row of their own.
// Knows no vendor.

import { type JsonObject, NO_USAGE, type Units, type Usage } from "../ir/index.ts";
import { type LedgerEntry, type Price, BLANK_ENTRY } from "../ledger/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import type { Redact } from "../lib/redact.ts";
import { findAnswering } from "../lib/share.ts";
import { makeStableId } from "../lib/stable-id.ts";
import { addressOf } from "./rest/target.ts";
import { authorize } from "./rest/authorize.ts";
import { openLine, parseObject, send } from "./send.ts";
import type { GatewayTools } from "./call.ts";
import type { Counted } from "./price-call.ts";
import type { RecordedPlan } from "./record.ts";
import { bookRow } from "./reserve.ts";
import { MAX_NAME_LENGTH, printReport, refuseEndless } from "./tally.ts";

export interface Estimated {
  /** The row that is corrected. */
  entry: LedgerEntry;
  plan: RecordedPlan;
  /** The provider's own id of its answer. */
  answerId: string;
  /** What the row says of this call. */
  usage: Usage | null;
  units: Units | null;
  price: Pick<Price, "costNanos"> | null;
  findPrice(told: Counted): Price | null;
}

type Tools = Pick<GatewayTools, "books" | "budgets" | "clock" | "fetch" | "ledger" | "scene">;

/** A provider has to finish its own books first. */
const DELAYS_MS = [2_000, 5_000, 15_000, 60_000, 300_000, 1_800_000];

/** Asks again and again, and once more when the gateway stops before it was told: there will be nobody to ask later. */
export function correctLater(estimated: Estimated, tools: Tools): void {
  let round = 0;
  let isAsking = false;
  let callOff: () => void = () => undefined;

  const ask = async (): Promise<void> => {
    if (isAsking) return;
    isAsking = true;
    callOff();
    const done = tools.ledger.expect();
    const isTold = await correct(estimated, tools)
      .catch(() => false)
      .finally(done);
    isAsking = false;
    if (isTold) forget();
    else arm();
  };

  const arm = (): void => {
    const delayMs = DELAYS_MS[round++];
    if (delayMs === undefined) forget();
    else callOff = tools.clock.after(delayMs, () => void ask());
  };

  const forget = tools.ledger.beforeEnd(() => void ask(), estimated.answerId);
  arm();
}

const MAX_ANSWER_BYTES = 256 * 1024;

/** Whether the provider has told. */
async function correct(estimated: Estimated, tools: Tools): Promise<boolean> {
  const { provider } = estimated.plan;
  const later = provider.usageLater;
  if (later === undefined) return true;
  const url = addressOf(provider, later.path(estimated.answerId), "");
  const line = openLine(new AbortController().signal, tools.clock);
  try {
    const headers = await authorize(provider, { method: "GET", url, headers: { ...provider.headers }, body: null });
    const ask = { provider: provider.name, method: "GET", url, body: undefined, headers, line };
    const upstream = await send({ ...ask, deadlines: tools.scene().deadlinesOf(provider.name), fetch: tools.fetch });
    const text = upstream.ok ? await readCapped(upstream, MAX_ANSWER_BYTES) : null;
    const told = text === null ? null : later.read(parseObject(text) ?? {});
    if (told === null || refuseEndless(told.usage) === null) return false;
    await bookTold(estimated, told, tools);
    return true;
  } finally {
    line.release(true);
  }
}

/** Never rejects: what could not be written is kept, and tried again; whoever asked once more would book it twice. */
export async function bookTold(
  estimated: Estimated,
  told: Told,
  { books, budgets, clock, ledger, scene }: Omit<Tools, "fetch">,
): Promise<void> {
  const { entry } = estimated;
  // Where they cannot be read now, the figures are not kept back for that: whoever prices the row again sets its cost right.
  const corrections = await books.corrections([entry.id]).catch(() => []);
  const booked = findBooked(estimated, corrections);
  const correction = makeCorrection({ ...estimated, booked }, told, {
    createdAt: new Date(clock.wallMs()),
    redact: scene().redact,
  });
  bookRow(correction, budgets);
  await ledger.add(correction).catch(() => undefined);
}

/** What the books say that this call cost, after it may have been priced again meanwhile; null where nothing is known. */
function findBooked({ entry, answerId, price }: Estimated, corrections: readonly LedgerEntry[]): number | null {
  const known = price?.costNanos ?? null;
  const repriced = corrections.filter(({ reason }) => reason === "reprice");
  if (repriced.length === 0) return known;
  const index = entry.attempts.filter(({ usage }) => usage !== undefined).findIndex((own) => own.answerId === answerId);
  // One of several has a part of its own in it; where the cost of the whole was unknown, nothing was booked of the parts.
  const parts = repriced.map(({ attempts, costNanos }) =>
    attempts.length === 0 ? costNanos : (attempts[index]?.costNanos ?? null),
  );
  return parts.reduce<number>((sum, cost) => sum + (cost ?? 0), entry.costNanos === null ? 0 : (known ?? 0));
}

interface Told {
  usage: Usage;
  model: string | null;
  report: JsonObject | null;
}

function makeCorrection(
  { entry, plan, answerId, usage, units, booked, findPrice }: Estimated & { booked: number | null },
  told: Told,
  { createdAt, redact }: { createdAt: Date; redact: Redact },
): LedgerEntry {
  const now = told.usage;
  const before = usage ?? NO_USAGE;
  const newPrice = findPrice({ served: told.model, usage: now, units: now.units ?? null });
  const usageRaw = told.report === null ? null : printReport(told.report, redact);
  return {
    ...BLANK_ENTRY,
    // Whoever asks, and when: it is the same row, and is there once.
    id: makeStableId(entry.createdAt.getTime(), `usage/${entry.id}/${answerId}`),
    kind: "correction",
    corrects: entry.id,
    reason: "usage",
    pricesUnknown: booked === null && newPrice !== null ? true : null,
    requestId: entry.requestId,
    createdAt,
    userId: entry.userId,
    apiKeyId: entry.apiKeyId,
    tags: entry.tags,
    endpoint: entry.endpoint,
    modelAsked: entry.modelAsked,
    // Of one that lost, the row does not say who it was.
    modelServed: isOwn(entry, plan) ? entry.modelServed : (told.model ?? plan.model),
    provider: plan.provider.name,
    direction: entry.direction,
    freshInputTokens: now.freshInputTokens - before.freshInputTokens,
    cacheReadTokens: now.cacheReadTokens - before.cacheReadTokens,
    cacheWriteTokens: now.cacheWriteTokens - before.cacheWriteTokens,
    longCacheWriteTokens: (now.longCacheWriteTokens ?? 0) - (before.longCacheWriteTokens ?? 0),
    outputTokens: now.outputTokens - before.outputTokens,
    reasoningTokens: now.reasoningTokens === null ? null : now.reasoningTokens - (before.reasoningTokens ?? 0),
    units: subtract(now.units ?? null, units),
    serviceTier: now.serviceTier ?? entry.serviceTier,
    usageSource: "provider",
    status: entry.status,
    streamed: entry.streamed,
    costNanos: newPrice === null ? null : newPrice.costNanos - (booked ?? 0),
    priceId: newPrice?.id ?? null,
    priceSource: newPrice?.source ?? null,
    priceDate: newPrice?.date ?? null,
    attempts: [
      {
        provider: plan.provider.name,
        model: plan.model,
        status: 200,
        errorKind: null,
        upstreamRequestId: answerId,
        latencyMs: 0,
        ...(usageRaw === null ? {} : { usageRaw }),
      },
    ],
  };
}

function isOwn(entry: LedgerEntry, { model, provider }: RecordedPlan): boolean {
  const own = findAnswering(entry);
  return own === undefined || (own.provider === provider.name && own.model === model.slice(0, MAX_NAME_LENGTH));
}

function subtract(after: Units | null, before: Units | null): Units | null {
  const names = new Set([...Object.keys(after ?? {}), ...Object.keys(before ?? {})]);
  const differences = [...names].map((name): [string, number] => [name, (after?.[name] ?? 0) - (before?.[name] ?? 0)]);
  const changed = differences.filter(([, difference]) => difference !== 0);
  return changed.length === 0 ? null : Object.fromEntries(changed);
}
