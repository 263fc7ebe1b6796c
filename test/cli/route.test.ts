// `admin routes …` on a database of its own, and `models route` with what it makes of them: declared, explained, changed, and had again.

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { type Desk, makeDesk } from "./desk.ts";

let desk: Desk;
beforeEach(() => {
  desk = makeDesk();
});
afterEach(() => desk.close());

const set = (name: string, ...words: string[]) =>
  desk.read<{ route: { version: number; fields: object } }>(["admin", "routes", "set", name, ...words]);

describe("admin routes", () => {
  test("are among the models that can be asked for", async () => {
    await set("quick", "match=fast-one, slow-*", "targets=loopback/loopback");
    const { data } = await desk.read<{ data: { id: string }[] }>("models list");
    expect(data.map(({ id }) => id)).toEqual(["loopback", "fast-one"]);
  });

  test("are set in the words of a section, updated, deleted, and had again", async () => {
    expect(
      await set("fast", "targets=loopback weight=2, openai/m", "strategy=weighted", "set.generationConfig.topK=3"),
    ).toMatchObject({
      route: {
        version: 1,
        changed_by: "operator",
        fields: { targets: "loopback weight=2, openai/m", strategy: "weighted", "set.generationConfig.topK": "3" },
      },
    });
    expect(await set("fast", "strategy=", "Match=x*", "--update", "--comment", "plain order")).toMatchObject({
      route: { version: 2, fields: { targets: "loopback weight=2, openai/m", match: "x*" } },
    });
    await desk.read("admin route delete fast");
    expect(await desk.read("admin routes rollback fast --to 1 --comment back")).toMatchObject({
      route: { version: 4 },
    });
    const { history } = await desk.read<{ history: object[] }>("admin routes history fast");
    expect(history).toMatchObject([
      { version: 4, comment: "back" },
      { version: 3, deleted: true },
      { version: 2, comment: "plain order" },
      { version: 1, comment: null },
    ]);
    expect(await desk.read("admin routes show fast")).toMatchObject({
      route: { source: "runtime", in_force: true, version: 4 },
    });
    const listed = await desk.run("admin routes list");
    expect(listed.out).toContain("fast  runtime");
    expect((await desk.run("admin routes history fast")).out).toContain("(deleted)");
  });

  test.each([
    [["set", "fast", "targets=nobody"], EXIT.usage, "which is no provider"],
    [["set", "fast", "targets"], EXIT.usage, "is no field"],
    [["set", "fast"], EXIT.usage, "FIELDS is missing"],
    [["set", "Fast!", "targets=loopback"], EXIT.usage, "A route's name consists of"],
    [["list", "--source", "file"], EXIT.usage, '--source: "file" is not one of config, runtime'],
    [["show", "none"], EXIT.notFound, 'There is no route "none"'],
    [["delete", "none"], EXIT.notFound, 'There is no route "none"'],
    [["rollback", "none", "--to", "x"], EXIT.usage, "is no version"],
    [["history", "none"], EXIT.notFound, 'There is no route "none"'],
  ])("%j ends with %p", async (words, code, message) => {
    const printed = await desk.run(["admin", "routes", ...words]);
    expect([printed.code, printed.out]).toEqual([code, ""]);
    expect(printed.err).toContain(message);
  });

  test("and providers stand in lines, as the API has it", async () => {
    for (const [field, words] of [
      ["set.user", ["routes", "set", "x", "targets=loopback", "set.user=a\nb"]],
      ["user", ["routes", "set", "x", "targets=loopback", "user=a\u200Bb"]],
      ["models", ["providers", "add", "x", "base_url=https://a.test/v1", "models=a\nb"]],
      ["base_url", ["providers", "add", "x", "base_url=https://a.test/v1\u200B"]],
    ] as const) {
      const { code, err } = await desk.run(["admin", ...words]);
      expect([code, err]).toEqual([2, expect.stringContaining(`${field} must be one line of text`)]);
    }
  });

  test("of two changes of one version the second is told", async () => {
    await set("fast", "targets=loopback", "--if-version", "0");
    const late = await desk.run(["admin", "routes", "set", "fast", "targets=loopback", "--if-version", "0"]);
    expect(late.code).not.toBe(0);
    expect(late.err).toContain('There is a route "fast" already, in version 1');
  });
});

describe("models route", () => {
  test("knows routes of run time, and tells of every candidate", async () => {
    await set("smart", "targets=openai/m, loopback/l", "context=<1m");
    await set("smart-b", "match=smart", "targets=loopback/b");
    const plain = await desk.run("models route smart");
    expect(plain.out).toStartWith("smart → loopback as b (exact route smart-b (smart))");
    const told = await desk.run("models route smart --explain");
    expect(told.out).toContain("runtime, version 1");
    expect(told.out).toMatch(/loopback\s+b\s+target\s+chosen/u);
  });

  test.each(["--at 2026-11-25T12:00:00Z", "--header x-team=a", "--user ada@example.com"])(
    "takes no %s without a request",
    async (flag) => {
      await set("smart", "targets=loopback/l");
      const { code, err } = await desk.run(`models route smart ${flag}`);
      expect([code, err]).toEqual([EXIT.usage, expect.stringContaining("there is none")]);
    },
  );

  test("takes a whole request from a file, which is not made", async () => {
    await set("smart", "targets=openai/m, loopback/l", "context=<1m", "header.x-team=a*", "user=ada@*");
    const body = JSON.stringify({ model: "smart", max_tokens: 9, messages: [{ role: "user", content: "Hi" }] });
    const file = desk.write("request.json", body);
    const line = `models route --body ${file} --endpoint /v1/messages --user ada@example.com --header x-team=a1`;
    expect(await desk.read(line)).toMatchObject({
      model: "smart",
      provider: "loopback",
      request: { endpoint: "messages", user: "ada@example.com" },
      candidates: [
        { provider: "loopback", outcome: "chosen" },
        { provider: "openai", outcome: "skipped", ready: false },
      ],
    });
    const other = await desk.run(`models route --body ${file}`);
    expect(other.code).toBe(EXIT.notFound);
  });

  test.each([
    ["models route", "Say which model"],
    ["models route --body none.json", "cannot be read"],
    ["models route x --body config/setting.ini", "holds no JSON object"],
  ])("%s says what is missing", async (line, message) => {
    const printed = await desk.run(line);
    expect(printed.code).toBe(EXIT.usage);
    expect(printed.err).toContain(message);
  });
});
