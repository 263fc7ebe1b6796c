// What a pack needs of the books, and which of their rows belong into it. Knows no SQL.

import type { Head, SealedEntry, SealedRecount } from "../../ledger/index.ts";

/** A row, and the call that it tells of: itself, the one that it corrects, or the one that it counted again. */
export interface About {
  row: SealedEntry | SealedRecount;
  call: SealedEntry;
}

export type AboutKind = "call" | "correction" | "recount";

export interface Span {
  /** Of the call's arrival: inclusive. */
  from: Date;
  /** Exclusive. */
  to: Date;
}

export interface PackBooks {
  chains(): Promise<{ chain: string; publicKey: string; continues: string | null }[]>;
  /** In their order, from that place on. */
  heads(chain: string, fromSeq: number, limit: number): Promise<Head[]>;
  /** A page in the order of the chain, beyond that place; `next` is where the next one goes on, null behind the last. */
  about(chain: string, kind: AboutKind, span: Span, afterSeq: number): Promise<{ found: About[]; next: number | null }>;
  /** Calls from before there was a chain. */
  countUnchained(span: Span): Promise<number>;
  /** The last row of each chain that went by age, as its removal was signed, and when the first that is left arrived; null where none is left. */
  removals(): Promise<{ head: Head; keptFrom: Date | null }[]>;
}

export interface Selection extends Span {
  providers: ReadonlySet<string>;
  /** As asked for or as served; null for all. */
  model: string | null;
}

/** Whether a call concerns one of the providers: as the one that answered, or as one that was tried. */
export function isSelected(call: SealedEntry, { providers, model }: Selection): boolean {
  if (call.direction !== "consume") return false;
  const isOfModel = model === null || call.modelAsked === model || call.modelServed === model;
  // One that was tried may have been asked for another model.
  if (!isOfModel) return call.attempts.some((attempt) => providers.has(attempt.provider) && attempt.model === model);
  if (call.provider !== null && providers.has(call.provider)) return true;
  return call.attempts.some(({ provider }) => providers.has(provider));
}

/** Everything about the selected calls of a chain, in the order of the chain. */
export async function* pickRows(books: PackBooks, chain: string, selection: Selection): AsyncGenerator<About> {
  const streams = (["call", "correction", "recount"] as const).map((kind) => readAbout(books, chain, kind, selection));
  const heads = await Promise.all(streams.map((stream) => stream.next()));
  for (;;) {
    let first = -1;
    for (const [index, head] of heads.entries()) {
      if (head.done !== true && (first === -1 || seqOf(head.value) < seqOf(heads[first]?.value))) first = index;
    }
    const head = heads[first];
    const stream = streams[first];
    if (head === undefined || head.done === true || stream === undefined) return;
    yield head.value;
    heads[first] = await stream.next();
  }
}

function seqOf(about: About | undefined): number {
  return about?.row.seq ?? Number.MAX_SAFE_INTEGER;
}

async function* readAbout(
  books: PackBooks,
  chain: string,
  kind: AboutKind,
  selection: Selection,
): AsyncGenerator<About, undefined> {
  let after: number | null = 0;
  while (after !== null) {
    const { found, next }: { found: About[]; next: number | null } = await books.about(chain, kind, selection, after);
    for (const about of found) if (isSelected(about.call, selection)) yield about;
    after = next;
  }
  return undefined;
}
