// The doors of a request's record: what is told of it by one hand goes into its books, and is settled once. Knows no SQL and no format.

import type { Event, GatewayError, JsonObject, Usage } from "../ir/index.ts";
import type { Amount, Price } from "../ledger/index.ts";
import { type BookTools, Books, type Hand, beaten, booksClosed } from "./books.ts";
import { cleanHeader } from "./header.ts";
import type { Wanted } from "./limit/index.ts";
import type { Plan } from "./plan.ts";
import type { CallRecord, RecordedCall, RecordedPlan } from "./recording.ts";
import { USED_NOTHING } from "./reserve.ts";
import { readTags } from "./tag.ts";
import { type AnsweredUsage, MAX_NAME_LENGTH, type MeasuredUsage } from "./tally.ts";
import { type Try, closeTry, openTry } from "./try.ts";

export { booksClosed } from "./books.ts";
export type { CallRecord, RecordedCall, RecordedPlan } from "./recording.ts";

export function openRecord(call: RecordedCall, tools: BookTools): CallRecord {
  const books = new Books(call, tools);
  return new HandRecord(books, books.root);
}

/** The record with some doors of its own. */
export function withDoors(record: CallRecord, doors: Partial<CallRecord>): CallRecord {
  return Object.assign(Object.create(record) as CallRecord, doors);
}

class HandRecord implements CallRecord {
  // Plain fields: a record with doors of its own reads them through its prototype.
  private readonly books: Books;
  private readonly hand: Hand;

  constructor(books: Books, hand: Hand) {
    this.books = books;
    this.hand = hand;
  }

  asked(model: string, stream: boolean): void {
    const { books } = this;
    const { caller, headers } = books.call;
    books.modelAsked = model.slice(0, MAX_NAME_LENGTH);
    books.streamed = stream;
    if (headers !== undefined) books.tags = readTags({ caller, headers });
    else books.tags = caller.tags === null ? null : [...caller.tags];
  }

  admit(wanted: () => Wanted, isPart?: boolean): Promise<void> | undefined {
    return this.books.limiting.admit(wanted, isPart);
  }

  reserve(next: Pick<Plan, "model" | "provider">, bound: (() => Amount) | null): Promise<void> | undefined {
    const { books, hand } = this;
    const { modelAsked, tags, tries } = books;
    const used = tries.length === 0 ? USED_NOTHING : () => books.takeUsed(hand);
    return hand.reserving.reserve(next, { modelAsked, tags }, bound, used);
  }

  release(only?: "budget"): void {
    const { books, hand } = this;
    hand.reserving.release(only, () => books.takeUsed(hand));
  }

  planned(next: RecordedPlan, ended?: Try["ended"]): void {
    const { books, hand } = this;
    if (hand.isLost) throw beaten();
    const own = openTry(books.tools, next, ended);
    books.current = own;
    hand.current = own;
    books.tries.push(own);
  }

  fork(lost: () => void): CallRecord {
    const { books } = this;
    const own = books.openHand(lost);
    books.forks.push(own);
    return new HandRecord(books, own);
  }

  win(): boolean {
    return this.books.win(this.hand);
  }

  hold(): () => void {
    const { books, hand } = this;
    const held = this.present();
    return () => {
      books.current = held;
      hand.current = held;
    };
  }

  intend(isKnown = false): Promise<void> {
    const { books, hand } = this;
    if (hand.isLost) return Promise.reject(beaten());
    const own = hand.current;
    const intent = isKnown ? books.makeEntry(200, null) : books.announce();
    const announced = books.tools.ledger.intend(intent, books.ticket);
    books.ticket = announced.ticket;
    own.isCalled = true;
    return announced.durable.then(
      () => {
        // Struck out meanwhile.
        if (hand.isLost && own.attempt === null) throw beaten();
        own.isOut = true;
        if (!isKnown) books.watchLong(own);
      },
      (cause: unknown) => {
        if (own.attempt === null) own.isCalled = false;
        if (books.tries.length > 1 && own.attempt === null) {
          books.strike(own);
          hand.current = books.current;
        }
        throw booksClosed(cause);
      },
    );
  }

  async leave(answerId: string): Promise<void> {
    const { books, hand } = this;
    if (answerId === "" || answerId.length > MAX_NAME_LENGTH || hand.current.leftId !== null) return;
    hand.current.leftId = answerId;
    const announced = books.tools.ledger.intend(books.announce(), books.ticket);
    books.ticket = announced.ticket;
    // What could not be written now is in the row itself, where the gateway lives to write it.
    await announced.durable.catch(() => undefined);
  }

  estimateInput(read: () => string): void {
    const { current } = this.hand;
    current.isCalled = true;
    current.tally.estimateInput(read);
  }

  sent(body: string): void {
    const { current } = this.hand;
    current.bodies.sent(body);
    current.captured?.request.add(body);
  }

  got(piece: string | Uint8Array): void {
    const { current } = this.hand;
    current.bodies.got(piece);
    current.captured?.response.add(piece);
    if (typeof piece === "string") current.witness.answered(piece);
  }

  asking(text: { format: string; body: string }): void {
    this.hand.current.witness.asking(text);
  }

  fetched(answer: string): void {
    this.hand.current.witness.answered(answer);
  }

  retract(): void {
    const { books } = this;
    if (books.ticket !== null) books.tools.ledger.withdraw(books.ticket);
    books.ticket = null;
  }

  withdraw(): void {
    const { books, hand } = this;
    this.retract();
    hand.reserving.release();
    books.limiting.settle(() => ({ modelAsked: books.modelAsked, at: [], isRefused: false }));
    books.done();
  }

  warn(word: string): void {
    this.books.warnings.push(word);
  }

  attempted(ended: Parameters<CallRecord["attempted"]>[0]): void {
    const { books, hand } = this;
    // A whole answer is there.
    if (ended.error === null && !books.win(hand)) throw beaten();
    if (hand.isLost && hand.current.attempt !== null) return;
    closeTry(hand.current, ended, books.tools.clock.monotonicMs());
  }

  describe(): Record<string, string> {
    const { books, hand } = this;
    const headers = { ...hand.reserving.headers(), ...books.limiting.headers() };
    const { plan } = this.present();
    return plan === null ? headers : describeWay(headers, plan, books);
  }

  answered(answer: AnsweredUsage): void {
    this.hand.current.tally.answered(answer);
  }

  measured(answer: MeasuredUsage): void {
    this.hand.current.tally.measured(answer);
  }

  observed(event: Event): void {
    const { tally, witness } = this.hand.current;
    tally.observed(event);
    witness.observed(event);
  }

  reported(report: JsonObject | null): void {
    this.hand.current.tally.reported(report);
  }

  usage(): Usage | null {
    return this.hand.current.tally.weigh().usage;
  }

  price(): Price | null {
    return (this.books.figures ?? this.books.all()).price;
  }

  settle(status: number, error: GatewayError | null): Promise<void> {
    const { books, hand } = this;
    if (books.settled !== null || !books.win(hand)) return books.settled ?? Promise.resolve();
    books.settled = books.write(books.makeEntry(status, error), books.winner ?? hand);
    return books.settled;
  }

  private present(): Try {
    const { books, hand } = this;
    return hand === books.root ? books.current : hand.current;
  }
}

/** Who was asked, beside what stands in `headers` already. */
function describeWay(
  headers: Record<string, string>,
  { provider, model, route }: RecordedPlan,
  { tries, warnings }: Pick<Books, "tries" | "warnings">,
): Record<string, string> {
  headers["x-tokligence-provider"] = provider.name;
  if (model !== "") headers["x-tokligence-model"] = cleanHeader(model);
  if (route !== undefined) headers["x-tokligence-route"] = cleanHeader(route);
  let called = 0;
  for (const { isCalled } of tries) if (isCalled) called++;
  headers["x-tokligence-attempts"] = String(called);
  if (warnings.length > 0) headers["x-tokligence-warning"] = warnings.join(", ");
  return headers;
}
