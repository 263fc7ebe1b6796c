// What every engine's store must do with what an operator took out of service. Part of the contract.

import { describe, expect, test } from "bun:test";
import { type Control, openControls } from "../../src/gateway/index.ts";
import type { Store } from "../../src/store/index.ts";

export function describeControls(get: () => Store): void {
  describe("controls", () => {
    const make = (change: Partial<Control> = {}): Control => ({
      provider: `p-${crypto.randomUUID()}`,
      account: null,
      model: null,
      action: "disable",
      sinceMs: 1_700_000_000_000,
      by: "user",
      ...change,
    });

    test("come back as they were given, one for each name, until they are removed", async () => {
      const { controls } = get();
      const whole = make();
      const model = make({ provider: whole.provider, model: "m/\u0000x" });
      const key = make({ provider: whole.provider, account: "eu" });
      for (const control of [whole, model, key, { ...whole, by: "another" }]) await controls.put(control);
      const kept = (await controls.list()).filter(({ provider }) => provider === whole.provider);
      expect(kept).toHaveLength(3);
      expect(kept).toContainEqual({ ...whole, by: "another" });
      expect(kept).toContainEqual(key);
      await controls.remove([model, whole, make()]);
      await controls.remove([]);
      expect((await controls.list()).filter(({ provider }) => provider === whole.provider)).toEqual([key]);
    });

    test("that are to last are there again in the next process; what was drained is not", async () => {
      const { controls } = get();
      const before = await openControls(controls);
      const [disabled, drained, replaced] = [make(), make({ action: "drain" }), make()];
      for (const control of [disabled, drained, replaced, { ...replaced, action: "drain" as const }]) {
        await before.put(control);
      }
      expect([disabled, drained, replaced].map((each) => before.find(each) !== null)).toEqual([true, true, true]);
      const after = await openControls(controls);
      expect([disabled, drained, replaced].map((each) => after.find(each) !== null)).toEqual([true, false, false]);
      expect(await after.lift({ ...disabled })).toEqual([disabled]);
      expect((await openControls(controls)).find(disabled)).toBeNull();
    });

    test("are lifted by who has not heard of them yet, with all that the name covers", async () => {
      const { controls } = get();
      const [here, there] = [await openControls(controls), await openControls(controls)];
      const whole = make();
      const all = [
        whole,
        make({ provider: whole.provider, model: "m" }),
        make({ provider: whole.provider, account: "a" }),
      ];
      const other = make();
      for (const control of [...all, other]) await here.put(control);
      expect(await there.lift(whole)).toHaveLength(3);
      expect((await controls.list()).filter(({ provider }) => provider === whole.provider)).toEqual([]);
      expect((await there.refresh()).put).toContainEqual(other);
      expect((await here.refresh()).gone).toHaveLength(3);
      expect([here, there].map((each) => [each.find(whole), each.find(other)])).toEqual([
        [null, other],
        [null, other],
      ]);
    });
  });
}
