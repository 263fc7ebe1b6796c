// What a command does before it reads a ledger's file: rows that lie in journals beside it are bound, or waited for where their process lives.
// Knows no rule of the books.

import { existsSync } from "node:fs";
import type { BookRules } from "../../ledger/index.ts";
import { openBinder } from "../sqlite/binder.ts";
import { trySlot } from "../sqlite/slot.ts";
import { countWritten, listDamaged, listSegments, listSlots, nameSegment, type Place } from "./disk.ts";

const ROWS_A_TURN = 1_000;
const WAIT_MS = 1_000;
const LOOK_EVERY_MS = 10;

/** In words what could not be done; null where all is bound. Calls that were open stay so: the next gateway closes them. */
export async function settleJournals(location: string, rules: BookRules): Promise<string | null> {
  if (!existsSync(location)) return null;
  const trouble = listSlots(location).length === 0 ? null : await settle(location, rules);
  if (trouble !== null) return trouble;
  const damaged = listDamaged(location);
  if (damaged.length === 0) return null;
  return `rows in ${damaged.join(", ")} can no longer be read and are not on the books; move the file away once it has been looked at`;
}

/** In words what lies there on its way to the ledger's own database, and is not in what is read from that one; null where nothing does. */
export async function tellWaiting(outbox: string, rules: BookRules): Promise<string | null> {
  if (!existsSync(outbox)) return null;
  const trouble = await settleJournals(outbox, rules);
  if (trouble !== null) return trouble;
  const binder = openBinder({ location: outbox, rules, durability: "process", now: () => new Date() });
  try {
    const [waiting, refused] = [binder.countWaiting(), binder.countRefused()];
    if (waiting + refused === 0) return null;
    const rows = `${waiting} ${waiting === 1 ? "row waits" : "rows wait"} in ${outbox} for the ledger's database`;
    const held = refused === 0 ? "" : `, and ${refused} that it does not take (the gateway's log says why) lie there`;
    return `${rows}${held}: they are not in what follows; a gateway that runs delivers what waits`;
  } finally {
    binder.end();
  }
}

async function settle(location: string, rules: BookRules): Promise<string | null> {
  try {
    const binder = openBinder({ location, rules, durability: "process", now: () => new Date() });
    try {
      const awaited: Awaited[] = [];
      for (const number of listSlots(location)) {
        const slot = trySlot(location, number);
        if (slot === null) awaited.push(...findEnd(location, number));
        else {
          try {
            while (binder.bind(number, { to: null, most: ROWS_A_TURN }) !== null);
          } finally {
            slot.release();
          }
        }
      }
      await waitFor(awaited, binder.place);
      return null;
    } finally {
      binder.end();
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return `rows that lie in the journal beside ${location} are not in what follows: ${reason}`;
  }
}

interface Awaited {
  slot: number;
  end: Place;
}

function findEnd(location: string, slot: number): Awaited[] {
  const segment = listSegments(location, slot).at(-1);
  if (segment === undefined) return [];
  return [{ slot, end: { segment, offset: countWritten(nameSegment(location, slot, segment)) ?? 0 } }];
}

/** The process that writes there binds what it wrote within moments; where it cannot, nobody can. */
async function waitFor(awaited: readonly Awaited[], place: (slot: number) => Place): Promise<void> {
  const isBound = ({ slot, end }: Awaited): boolean => {
    const { segment, offset } = place(slot);
    return segment > end.segment || (segment === end.segment && offset >= end.offset);
  };
  for (let waitedMs = 0; waitedMs < WAIT_MS && !awaited.every(isBound); waitedMs += LOOK_EVERY_MS)
    await Bun.sleep(LOOK_EVERY_MS);
}
