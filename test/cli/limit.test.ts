// `admin limits …` on a database of its own: set, shown, changed and lifted, with no gateway that runs.

import { appendFileSync } from "node:fs";
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { findFreePort } from "../redis.ts";
import { type Desk, makeDesk } from "./desk.ts";

interface LimitJson {
  name: string;
  [field: string]: unknown;
}

let desk: Desk;
beforeEach(async () => {
  desk = makeDesk();
  // Where no gateway is.
  appendFileSync(`${desk.folder}/config/setting.ini`, `http_address = 127.0.0.1:${await findFreePort()}\n`);
  await desk.read("admin users create --email ana@example.com");
});
afterEach(() => desk.close());

const list = async (): Promise<LimitJson[]> => (await desk.read<{ limits: LimitJson[] }>("admin limits list")).limits;

describe("admin limits", () => {
  test("are set as they are said, and a second time as a whole", async () => {
    const { limit } = await desk.read<{ limit: LimitJson }>(
      "admin limits set team --requests-per-minute 60 --concurrent 5 --per user,key --model gpt-* --user ana@example.com",
    );
    expect(limit).toMatchObject({
      name: "team",
      requests_per_minute: 60,
      tokens_per_minute: null,
      concurrent: 5,
      per: ["key", "user"],
      model: "gpt-*",
      source: "runtime",
      in_force: true,
      version: 1,
    });
    expect(limit["user"]).not.toBe("ana@example.com");
    await desk.read("admin limits set team --tokens-per-minute 1000 --if-version 1");
    expect(await list()).toMatchObject([
      { name: "team", requests_per_minute: null, tokens_per_minute: 1_000, version: 2, states: null },
    ]);
    const shown = await desk.run("admin limits show team");
    expect(shown.code).toBe(EXIT.ok);
    expect(shown.out).toMatch(/tokens_per_minute +1000/u);
    expect(shown.err).toContain("No gateway runs here");
    expect((await desk.run("admin limits list")).out).toMatch(/team +runtime +2 +yes +total +- +1000/u);
    expect(await desk.read("admin limits delete team")).toEqual({ deleted: "team" });
    expect(await list()).toEqual([]);
    // To look leaves no trace.
    const { changes } = await desk.read<{ changes: { action: string; actor: string }[] }>("admin audit list");
    const told = changes.map(({ action, actor }) => `${action} by ${actor}`).toReversed();
    expect(told.slice(-3)).toEqual(
      ["limit.create", "limit.update", "limit.delete"].map((each) => `${each} by operator`),
    );
    expect(told.filter((each) => each.startsWith("key."))).toEqual([]);
  });

  test("say where no provider has the name that they are for", async () => {
    const stray = await desk.run("admin limits set stray --requests-per-minute 5 --provider opnai");
    expect([stray.code, stray.err]).toEqual([EXIT.ok, expect.stringContaining("no provider here is called opnai")]);
    const near = await desk.run("admin limits set stray --requests-per-minute 5 --provider openai");
    expect(near.err).not.toContain("no provider");
  });

  test("are listed by whom they concern and where they come from", async () => {
    await desk.read("admin limits set all --concurrent 9");
    const listed = async (flags: string) =>
      (await desk.read<{ limits: LimitJson[] }>(`admin limits list ${flags}`)).limits.map(({ name }) => name);
    await desk.read("admin limits set hers --concurrent 2 --user ana@example.com --model gpt-*");
    expect(await listed("--user ana@example.com")).toEqual(["hers"]);
    appendFileSync(`${desk.folder}/config/setting.ini`, "[limit.filed]\nuser = Ana@example.com\nconcurrent = 3\n");
    const { user } = await desk.read<{ user: { id: string } }>("admin users show --id ana@example.com");
    for (const named of ["ana@example.com", user.id])
      expect(await listed(`--user ${named}`)).toEqual(["filed", "hers"]);
    expect(await listed("--model gpt-* --source runtime")).toEqual(["hers"]);
    expect(await listed("--source config")).toEqual(["filed"]);
    expect((await desk.run("admin limits list --user nobody@example.com")).code).toBe(EXIT.notFound);
  });

  const WRONG: [string, number, RegExp][] = [
    ["set x", EXIT.usage, /it limits nothing/u],
    ["set x --concurrent many", EXIT.usage, /concurrent: "many" is no whole number/u],
    ["set x --concurrent 1 --user nobody@example.com", EXIT.notFound, /no such user/iu],
    ["set x --concurrent 1 --if-version one", EXIT.usage, /is no version/u],
    ["set x --concurrent 1 --if-version 3", EXIT.conflict, /There is none now/u],
    ["delete x", EXIT.notFound, /There is no rate limit "x"\.\ntokligence admin limits list shows/u],
    ["list --source file", EXIT.usage, /--source: "file" is not one of config, runtime/u],
    ["show x", EXIT.notFound, /There is no rate limit "x"/u],
  ];

  test.each(WRONG)("%s ends with %d", async (line, code, message) => {
    const failed = await desk.run(`admin limits ${line}`);
    expect(failed.code).toBe(code);
    expect(failed.err).toMatch(message);
  });
});
