// What every engine's store must do with settings that are changed while the gateway runs. Part of the contract.

import { expect, test } from "bun:test";
import type { Store } from "../../src/store/index.ts";
import { AT, LATER } from "./sample.ts";

export function describeSettings(get: () => Store): void {
  test("settings of run time come back as they were set, all at once, each change a version more", async () => {
    const { settings } = get();
    expect(await settings.list()).toEqual([]);
    const before = await settings.revision();
    const fields = { log_level: "warn", oidc_name: "naïve 🦊" };
    expect(await settings.put(fields, { expected: 1, at: AT })).toBeNull();
    expect(await settings.put(fields, { expected: 0, at: AT })).toMatchObject({ version: 1, fields, updatedAt: AT });
    expect(await settings.put({}, { expected: 0, at: AT })).toBeNull();
    expect(await settings.put({ log_level: "error" }, { expected: 1, at: LATER })).toMatchObject({ version: 2 });
    expect(await settings.list()).toMatchObject([{ version: 2, fields: { log_level: "error" }, updatedAt: LATER }]);
    // What was refused moves nothing.
    expect(await settings.revision()).toBe(before + 2);
    const race = Array.from({ length: 8 }, () => settings.put({}, { expected: 2, at: LATER }));
    expect((await Promise.all(race)).filter((row) => row !== null)).toHaveLength(1);
    const { changes } = await get().changes.page({ action: "settings.update" }, 10, null);
    expect(changes).toHaveLength(3);
  });
}
