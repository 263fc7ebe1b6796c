// Rows on their way from a gateway's file to the ledger: who waits for them waits for those that were there, and not for all that ever come.

import { expect, test } from "bun:test";
import { createShipper, type Parcel } from "../../src/store/shipper.ts";

/** Rows by number, and what is done whenever some are delivered. */
function makeChest(onDelivery: (round: number) => Promise<void> | void) {
  const lying: Parcel[] = [];
  const arrived: string[] = [];
  let rounds = 0;
  let last = 0;
  const put = (count: number): void => {
    for (let index = 0; index < count; index++)
      lying.push({ kind: "entry", chain: "c", seq: ++last, hash: "", id: String(last), json: "{}" });
  };
  const shipper = createShipper({
    chest: {
      take: (limit) => ({ entries: lying.slice(0, limit), recounts: [], heads: [], chains: [] }),
      drop({ entries }) {
        lying.splice(0, entries.length);
        for (const { id } of entries) arrived.push(id);
      },
      countWaiting: () => lying.length,
      refuse: () => undefined,
    },
    async deliver() {
      await onDelivery(++rounds);
    },
    after: () => () => undefined,
    onFault: (error) => {
      throw error;
    },
    onRecovery: () => undefined,
  });
  return { put, arrived, shipper };
}

test("who waits while new rows come all the time waits for those alone that were there", async () => {
  const chest = makeChest((round) => {
    if (round < 100) chest.put(1);
  });
  chest.put(3);
  await chest.shipper.flush(1_000);
  expect(chest.arrived.slice(0, 3)).toEqual(["1", "2", "3"]);
  expect(chest.arrived.length).toBeLessThan(50);
  await chest.shipper.flush(1_000);
});

test("who comes while some are under way waits for the next, too, and however many there are", async () => {
  const gate = Promise.withResolvers<void>();
  const chest = makeChest((round) => {
    if (round < 100) chest.put(1);
    return round === 1 ? gate.promise : undefined;
  });
  chest.put(1);
  chest.shipper.nudge();
  chest.put(1_700);
  const flushed = chest.shipper.flush(1_000);
  const there = 1_702;
  gate.resolve();
  await flushed;
  expect(chest.arrived.slice(0, there)).toEqual(Array.from({ length: there }, (_, index) => String(index + 1)));
  expect(chest.arrived.length).toBeLessThan(there + 50);
  await chest.shipper.flush(1_000);
});
