// Puts on the books that an answer was given again: a row of its own, with nothing used, what was saved, and the row that paid for it.

import type { GatewayError } from "../../ir/index.ts";
import { BLANK_ENTRY, type LedgerEntry, type ReuseKind, describeReuse } from "../../ledger/index.ts";
import type { GatewayTools } from "../call.ts";
import { booksClosed } from "../record.ts";
import { MAX_NAME_LENGTH } from "../tally.ts";
import type { Asked } from "./asked.ts";
import type { Saved } from "./store.ts";

export interface Reuse {
  kind: ReuseKind;
  /** The row of the call that the answer was made for. */
  from: string;
  saved: Saved;
  modelServed: string | null;
  status: number;
  error: GatewayError | null;
}

/** Resolves once it is durable. Rejects with a GatewayError of kind `overloaded` where the books cannot be written. */
export async function bookReuse(
  { call, peek, tags }: Asked,
  { clock, ledger, metrics, recounter }: GatewayTools,
  reuse: Reuse,
): Promise<void> {
  const latencyMs = Math.round(clock.monotonicMs() - call.startedMs);
  const entry: LedgerEntry = {
    ...BLANK_ENTRY,
    ...describeReuse(reuse.kind, { from: reuse.from, ...reuse.saved }),
    id: call.id,
    requestId: call.requestId,
    createdAt: new Date(call.startedWallMs),
    userId: call.caller.userId,
    apiKeyId: call.caller.keyId,
    tags,
    endpoint: call.wire.endpoint,
    modelAsked: peek.model.slice(0, MAX_NAME_LENGTH),
    modelServed: reuse.modelServed,
    freshInputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    longCacheWriteTokens: 0,
    outputTokens: 0,
    costNanos: 0,
    status: reuse.status,
    errorKind: reuse.error?.kind ?? null,
    latencyMs,
    ttftMs: peek.stream && reuse.error === null ? latencyMs : null,
    streamed: peek.stream,
  };
  const done = ledger.expect();
  try {
    await ledger.add(entry, null);
  } catch (cause) {
    throw booksClosed(cause);
  } finally {
    done();
  }
  metrics.settled(entry);
  recounter.offer({ entry, format: null, request: "", answer: null, missing: null });
}
