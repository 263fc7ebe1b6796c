// What the office, the process that answers for all workers of a gateway, and a worker say to each other. Types only.

import type {
  Counters,
  GateName,
  GateRules,
  KeyState,
  Need,
  News,
  PlaceState,
  Seen,
  StoredAnswer,
} from "../../gateway/index.ts";
import type { Tried, TryRule } from "../../identity/index.ts";
import type { Amount, Budget, CallFacts, Payload } from "../../ledger/index.ts";
import type { BinderyState, ChainOrigin, Place } from "../../store/index.ts";
import type { Tally } from "../../telemetry/tally.ts";

/** What a worker needs to know before it can serve. */
export interface Order {
  /** From 1 on; one that takes another's place takes its number. */
  index: number;
  count: number;
  /** Where all of them listen. */
  port: number;
  /** The chain that the office writes. */
  origin: ChainOrigin;
  relay: RelayPlan;
  /** What is known of the providers already. */
  news: readonly News[];
  budgets: readonly Budget[];
}

/** How requests are passed from one process to another. */
export interface RelayPlan {
  /** Begins the names of the sockets of all processes. */
  name: string;
  /** Whoever shows it is one of them. */
  token: string;
}

/** What a worker counted, and found out of the providers. */
export interface Report {
  tally: Tally;
  places: readonly PlaceState[];
  keys: readonly KeyState[];
  /** Answers about which it goes on to ask their providers. */
  pending: readonly string[];
  /** By the clock that its times are of. */
  nowMs: number;
}

export type LimitVerdict = Awaited<ReturnType<Counters["take"]>>;

/** Why a worker cannot begin, as the command line says such things. */
export interface Trouble {
  message: string;
  hint: string | undefined;
  exitCode: number;
}

/** What the office does for a worker. Tickets are the worker's own numbers. */
// oxlint-disable-next-line typescript/consistent-type-definitions -- an interface is no record of functions
export type OfficeWords = {
  enrol(): Order;
  ready(): void;
  failed(trouble: Trouble): void;
  report(report: Report): void;
  log(line: string): void;

  /** The worker's journal has come so far. */
  wrote(slot: number, end: Place): void;
  leave(slot: number, end: Place | null, isSettled: boolean): Promise<void>;
  capture(payloads: readonly Payload[]): Promise<void>;

  take(needs: readonly Need[]): Promise<LimitVerdict>;
  adjust(seen: Seen, by: number, isShared: boolean): void;
  giveBack(need: Need): void;
  enter(ticket: number, gate: { id: string; name: GateName; rules: GateRules; waitMs: number }): Promise<void>;
  /** Also of one that still waits. */
  exit(ticket: number): void;
  countTry(rule: TryRule, subject: string): Promise<Tried>;
  forgiveTry(rule: TryRule, subject: string): Promise<void>;

  /** Its headers; null where no budget concerns the call. */
  reserve(
    ticket: number,
    facts: CallFacts,
    amount: Amount,
  ): Promise<{ headers: Readonly<Record<string, string>> | null } | null>;
  keep(ticket: number, amount: Amount): void;
  settle(ticket: number, amount: Amount): void;
  book(facts: CallFacts, amount: Amount): void;

  findAnswer(key: string): Promise<StoredAnswer | null>;
  keepAnswer(key: string, answer: StoredAnswer, ttlMs: number): void;
  tellNews(news: News): void;
  /** The making of a kept answer begins, or is over. */
  began(runId: string): void;
  ended(runId: string): void;
};

/** What a worker does for the office. */
// oxlint-disable-next-line typescript/consistent-type-definitions -- likewise
export type WorkerWords = {
  /** Refuses new calls, lets those that run end, and ends. */
  stop(): void;
  /** Ends at once. */
  cut(): void;
  reload(): void;
  readPrices(): void;
  hear(news: News): void;
  /** All places behind that gate are taken, or are no more. */
  adoptFull(gateId: string, isFull: boolean): void;
  adoptBudgets(budgets: readonly Budget[]): void;
  /** How far its journal is bound, and what waits behind it. */
  adoptState(state: BinderyState): void;
  /** How far its journal has come; null where it holds nothing. */
  askEnd(): { slot: number; end: Place } | null;
  askReport(): Report;
};
