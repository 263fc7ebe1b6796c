// Puts on the books what was answered without asking a provider: a row of its own, with nothing used, what was saved, and the row that paid for it.

import {
  BLANK_ENTRY,
  type EntryErrorKind,
  type LedgerEntry,
  type ReuseKind,
  describeReuse,
} from "../../ledger/index.ts";
import type { Call, GatewayTools } from "../call.ts";
import { booksClosed } from "../record.ts";
import { MAX_NAME_LENGTH } from "../tally.ts";
import type { Repeat } from "./asked.ts";
import type { Saved } from "./store.ts";

interface Aside {
  /** Whose answer was given again; null where there was none to give. */
  reuse: {
    kind: ReuseKind;
    /** The row of the call that the answer was made for. */
    from: string;
    saved: Saved;
  } | null;
  modelServed: string | null;
  status: number;
  errorKind: EntryErrorKind | null;
}

export type BookAside = (aside: Aside) => Promise<void>;

/** Resolves once it is durable. Rejects with a GatewayError of kind `overloaded` where the books cannot be written. */
export async function bookAside(
  { call, peek, tags }: Repeat,
  { clock, ledger, metrics, recounter }: GatewayTools,
  { reuse, modelServed, status, errorKind }: Aside,
): Promise<void> {
  const latencyMs = Math.round(clock.monotonicMs() - call.startedMs);
  const entry: LedgerEntry = {
    ...BLANK_ENTRY,
    ...(reuse === null ? {} : describeReuse(reuse.kind, { from: reuse.from, ...reuse.saved })),
    id: call.id,
    requestId: call.requestId,
    createdAt: new Date(call.startedWallMs),
    userId: call.caller.userId,
    apiKeyId: call.caller.keyId,
    tags,
    endpoint: call.wire.endpoint,
    modelAsked: peek.model.slice(0, MAX_NAME_LENGTH),
    modelServed,
    status,
    errorKind,
    latencyMs,
    ttftMs: peek.stream && errorKind === null ? latencyMs : null,
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

/** Tells of the row that the call is booked with, once it is durable. */
export function watchRow(
  tools: GatewayTools,
  { id }: Pick<Call, "id">,
  tell: (row: LedgerEntry) => void,
): GatewayTools {
  const settled = (row: LedgerEntry): void => {
    tools.metrics.settled(row);
    // Others may come of it that are not its own.
    if (row.id === id) tell(row);
  };
  return { ...tools, metrics: { ...tools.metrics, settled } };
}
