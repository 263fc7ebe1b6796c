// `admin settings …` on a database of its own: listed, set and taken back, with no gateway that runs.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

interface Settings {
  values: { key: string; value: string | null; origin: string; changeable: boolean }[];
  set: Record<string, string>;
  version: number;
}
const list = (flags = ""): Promise<Settings> => desk.read<Settings>(`admin settings list${flags}`);
const find = async (key: string) => (await list()).values.find((each) => each.key === key);

test("settings are set above the files, and taken back", async () => {
  expect(await find("max_attempts")).toMatchObject({ origin: "default", changeable: true });
  expect(await desk.read("admin settings set max_attempts 5")).toMatchObject({
    key: "max_attempts",
    value: "5",
    origin: "runtime",
    version: 1,
  });
  expect(await find("max_attempts")).toMatchObject({ value: "5", origin: "runtime" });
  const shown = await desk.run("admin settings list --changeable");
  expect(shown.out).toMatch(/max_attempts +5 +runtime +yes/u);
  expect(shown.out).not.toContain("http_address");
  expect((await desk.run("admin settings unset max_attempts")).out).toMatch(/^max_attempts is \d+ \(default\)/u);
  expect(await list()).toMatchObject({ set: {}, version: 2 });
  const { changes } = await desk.read<{ changes: { action: string; actor: string }[] }>(
    "admin audit list --action settings.update",
  );
  expect(changes.map(({ actor }) => actor)).toEqual(["operator", "operator"]);
});

test("settings that stay as they are stay in their version, and leave no record", async () => {
  await desk.read("admin settings unset max_attempts");
  expect((await list()).version).toBe(0);
  for (let times = 0; times < 2; times++) await desk.read("admin settings set max_attempts 5");
  await desk.read("admin settings unset log_level --if-version 1");
  expect(await list()).toMatchObject({ set: { max_attempts: "5" }, version: 1 });
  expect((await desk.run("admin settings unset log_level --if-version 0")).code).toBe(EXIT.conflict);
  const { changes } = await desk.read<{ changes: unknown[] }>("admin audit list --action settings.update");
  expect(changes).toHaveLength(1);
});

test("settings are changed in the version that is meant, and in no other", async () => {
  await desk.read("admin settings set max_attempts 5 --if-version 0");
  const late = await desk.run("admin settings set max_attempts 6 --if-version 0");
  expect([late.code, late.out]).toEqual([EXIT.conflict, ""]);
  expect(late.err).toContain("They are in version 1 now.");
  await desk.read("admin settings unset max_attempts --if-version 1");
  expect((await desk.run("admin settings unset max_attempts --if-version one")).code).toBe(EXIT.usage);
  expect(await list()).toMatchObject({ set: {}, version: 2 });
});

test.each([
  ["max_attempts many", "max_attempts"],
  ["http_address :9", "next start"],
  ["openai_api_key sk-canary-cli-0123456789", "file or the environment"],
  ["colour red", "no such setting"],
  ["log_levl warn", 'did you mean "log_level"?'],
])("set %s is refused, and says why", async (words, why) => {
  const refused = await desk.run(`admin settings set ${words}`);
  expect([refused.code, refused.out]).toEqual([EXIT.usage, ""]);
  expect(refused.err).toContain(why);
  expect(refused.err).not.toContain("canary");
  expect(await list()).toMatchObject({ set: {}, version: 0 });
});

test("config show shows what was set, and who said it, and makes nothing of it", async () => {
  await desk.read("admin settings set max_attempts 5");
  const { values } = await desk.read<Settings>("config show");
  expect(values.find(({ key }) => key === "max_attempts")).toMatchObject({ value: "5", origin: "runtime" });
  expect((await desk.run("config show max_attempts --origin")).out).toMatch(/^max_attempts +5 +runtime$/mu);
  const all = (await list()).values.map(({ key, value, origin }) => ({ key, value, origin }));
  expect(values.map(({ key, value, origin }) => ({ key, value, origin }))).toEqual(all);
});

test("config show leaves out what does not hold any more, and says so", async () => {
  await desk.withStore((store) =>
    store.settings.put({ log_level: "warn", max_attempts: "many" }, { expected: 0, at: new Date() }),
  );
  const { code, out, err } = await desk.run("config show --origin");
  expect(code).toBe(EXIT.ok);
  expect(out).toMatch(/^log_level +warn +runtime$/mu);
  expect(out).toMatch(/^max_attempts +\d+ +default$/mu);
  expect(err).toContain("warning: what max_attempts was set to while gateways ran does not hold any more");
});
