// The books as a process writes them: the journal in front, and behind it whoever binds what lies there. Knows no SQL.

import type { Database } from "bun:sqlite";
import { dirname } from "node:path";
import type { BookRules, ChainHead, Head, Journal } from "../../ledger/index.ts";
import { type BinderyState, createBindery, type Bindery, type Tiding } from "../bindery.ts";
import type { BinderyOrder } from "../bindery-serve.ts";
import { explainStoreError } from "../error.ts";
import type { Shipment } from "../shipper.ts";
import { type Binder, openBinder } from "../sqlite/binder.ts";
import { type ChainOptions, openChain, type OpenedChain } from "../sqlite/chain.ts";
import { type FullSync, openFullSync } from "../sqlite/full-sync.ts";
import { openReserve } from "../sqlite/reserve.ts";
import { claimSlot, type Slot } from "../sqlite/slot.ts";
import { type Disk, listSegments, type Place, realDisk } from "./disk.ts";
import type { ChainOrigin } from "./segment.ts";
import { createJournalFile, type JournalFile } from "./file.ts";
import { createLimits, type JournalLimits } from "./limit.ts";
import { canMap } from "./memory.ts";

export interface JournalOptions extends ChainOptions {
  rules: BookRules;
  /** Path of a SQLite file whose tables are up to date: the ledger itself, or the outbox. */
  location: string;
  /** What a row outlives once it is acknowledged: the death of the process, or of the machine's power. */
  durability: "disk" | "process";
  checkpoints?: BinderyOrder["checkpoints"];
  /** What of the disk is set aside for rows of calls that run when it fills up; 0 for none. */
  reserveBytes?: number;
  /** How rows go on from the file; null where it is the ledger itself. */
  deliver: ((shipment: Shipment) => Promise<void>) | null;
  limits?: Partial<JournalLimits> | undefined;
  after: (delayMs: number, action: () => void) => () => void;
  /** What the operator should hear of. */
  onTiding: (tiding: Tiding) => void;
  /** Rows of this process go into the chain of another one, which alone writes to the file; `start` gives the way to it. */
  host?: ChainOrigin | undefined;
  /** Resolves once guests have told how far their journals have come. */
  askGuests?: (() => Promise<void>) | undefined;
  onState?: ((state: BinderyState) => void) | undefined;
  /** Binds in a thread of its own. */
  start?: ((order: Omit<BinderyOrder, "ledger">, hear: Hearing) => Bindery) | undefined;
  /** For tests that break them. */
  connect?: ((location: string) => Database) | undefined;
  disk?: Disk | undefined;
  segmentBytes?: number | undefined;
  platform?: NodeJS.Platform | undefined;
  claim?: ((location: string) => Slot) | undefined;
}

type Hearing = Pick<Parameters<typeof createBindery>[0], "after" | "onState" | "onTiding">;

export interface OpenJournal
  extends Pick<Bindery, "guestLeaves" | "guestWrote">, Pick<OpenedChain, "beginning" | "lastHead" | "origin"> {
  journal: Journal;
  /** The chain that this one took over from, by its own word; null where it is the first. */
  continues: string | null;
  /** Of the last row that is bound. */
  head(): ChainHead;
  /** How far the journal has come; null where it holds nothing. */
  end(): Place | null;
  /** Resolves once what was written so far is bound, and shipped, or after `limitMs`. */
  flush(limitMs: number): Promise<void>;
  /** Durable when it resolves. */
  keepHead(head: Head & { id: string }): Promise<void>;
  /** Rows that are still to go on to the ledger's own database; 0 where the file is the ledger. */
  waiting(): number;
  /** Bytes of the journal that are not bound yet. */
  backlog(): number;
  /** Rows that a database does not take. */
  refused(): number;
  /** Why no new call may be taken on although rows can be written; null where they may. */
  refusal(): Error | null;
  /** Closes what processes left that are gone, while this one runs on. */
  adopt(): Promise<void>;
  /** Binds and delivers what waits, as far as that is possible in `limitMs`, and closes the file. */
  close(limitMs: number): Promise<void>;
}

/** Often enough that nobody waits, and seldom enough that many rows share a transaction. */
const NUDGE_MS = 100;
/** A guest tells another process, and whoever reads asks for its end first: seldom is often enough. */
const GUEST_NUDGE_MS = 200;

/** Calls that were open when the slot's last process died are on the books when it returns. Throws a GatewayError that names the file. */
export function openJournal(options: JournalOptions): OpenJournal {
  const { location } = options;
  let slot: Slot | undefined;
  let binder: Binder | undefined;
  try {
    slot = (options.claim ?? claimSlot)(location);
    binder = openBinder({ ...options, now: () => options.now });
    if (options.durability === "disk") (options.disk ?? realDisk).syncFolder(dirname(location));
    // Only where all that could tell is lost, the rows go to a new chain.
    const isLost = listSegments(location, slot.number).length > 0 && !binder.hasChain(slot.number);
    const into = options.host?.chain ?? (isLost ? openChain(binder.db, slot.number, options).head.chain : undefined);
    const left = binder.close(slot.number, into);
    for (const flaw of left.flaws) options.onTiding({ type: "flaw", flaw });
    for (const refusal of left.refused) options.onTiding({ type: "refused", refusal });
    if (left.interrupted > 0) options.onTiding({ type: "interrupted", rows: left.interrupted, isOwn: true });
    const chain = options.host === undefined ? openChain(binder.db, slot.number, options) : joinChain(options.host);
    const isNew = options.host === undefined && (chain.beginning !== "none" || isLost);
    const head = isNew ? binder.moveTaken(chain.head) : chain.head;
    return assemble(options, { slot, binder, chain: { ...chain, head } });
  } catch (error) {
    binder?.end();
    slot?.release();
    throw explainStoreError(error, location);
  }
}

function joinChain(origin: ChainOrigin): OpenedChain {
  return { head: { chain: origin.chain, seq: 0, hash: "" }, origin, beginning: "none", lastHead: null };
}

interface Parts {
  slot: Slot;
  binder: Binder;
  chain: OpenedChain;
}

function assemble(options: JournalOptions, { slot, binder, chain }: Parts): OpenJournal {
  const { location, after, durability } = options;
  const place = binder.place(slot.number);
  const segment = Math.max(place.segment, ...listSegments(location, slot.number).map((each) => each + 1));
  const sync = needsFullSync(options) ? openFullSync(`${location}.sync-${slot.number}`) : null;
  const file = createJournalFile({
    location,
    slot: slot.number,
    segment,
    origin: chain.origin,
    fields: options.rules.fields,
    isSynced: durability === "disk",
    isMapped: durability === "process" && canMap(dirname(location), options.platform),
    disk: sync === null ? (options.disk ?? realDisk) : syncWholly(sync),
    ...(options.segmentBytes === undefined ? {} : { segmentBytes: options.segmentBytes }),
  });
  let state: BinderyState = { head: chain.head, place, waiting: 0, refused: 0, bytes: 0, guests: {} };
  const bindery = openBindery(options, { slot, binder, chain }, (next) => {
    state = next;
    options.onState?.(next);
  });
  const backlog = (): number => file.countFrom(state.place);
  const limits = createLimits(options.limits, () => state, backlog);
  let isOpen: (() => Iterable<string>) | null = null;
  let isNudged = false;
  let isClosed = false;
  const nudge = (): void => {
    if (isNudged) return;
    isNudged = true;
    after(options.host === undefined ? NUDGE_MS : GUEST_NUDGE_MS, () => {
      isNudged = false;
      const end = file.end();
      if (end !== null && !isClosed) bindery.wrote(end);
    });
  };
  return {
    beginning: chain.beginning,
    lastHead: chain.lastHead,
    origin: chain.origin,
    continues: chain.origin.continues,
    journal: {
      chain: chain.head.chain,
      get isCheap() {
        return file.isMapped();
      },
      append(lines, open) {
        isOpen = open;
        write(file, location, lines, open);
        nudge();
      },
      ...openReserve(`${location}.reserve-${slot.number}`, options.reserveBytes ?? 0),
    },
    head: () => state.head,
    end: () => file.end(),
    async flush(limitMs) {
      await options.askGuests?.();
      await bindery.flush(file.end(), limitMs);
    },
    guestWrote: bindery.guestWrote,
    guestLeaves: bindery.guestLeaves,
    keepHead: bindery.keepHead,
    waiting: () => state.waiting,
    backlog,
    refused: () => state.refused,
    refusal: limits.refusal,
    adopt: bindery.adopt,
    async close(limitMs) {
      isClosed = true;
      const isSettled = isOpen === null || [...isOpen()].length === 0;
      await bindery.close(file.end(), limitMs, isSettled);
      file.close();
      sync?.close();
      slot.release();
    },
  };
}

function needsFullSync({ durability, disk, platform = process.platform }: JournalOptions): boolean {
  return durability === "disk" && disk === undefined && platform === "darwin";
}

function syncWholly(sync: FullSync): Disk {
  return {
    ...realDisk,
    sync(file) {
      realDisk.sync(file);
      sync.run();
    },
  };
}

function openBindery(
  { location, durability, checkpoints, deliver, after, onTiding, start }: JournalOptions,
  { slot, binder, chain }: Parts,
  onState: (state: BinderyState) => void,
): Bindery {
  const hear = { after, onTiding, onState };
  const named = { slot: slot.number, chain: chain.head.chain };
  if (start === undefined) return createBindery({ ...hear, ...named, binder, deliver, now: () => new Date() });
  binder.end();
  return start({ ...named, location, durability, checkpoints }, hear);
}

function write(file: JournalFile, location: string, ...what: Parameters<JournalFile["append"]>): void {
  try {
    file.append(...what);
  } catch (error) {
    throw explainStoreError(error, `The journal of ${location}`);
  }
}
