// What a bench, or another script, does with words that it does not know, before it builds or measures anything.

import { describe, expect, test } from "bun:test";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { aChoice, aCount, aList, aSwitch, aText, anAmount, parseFlags, readCount, someOf } from "../../scripts/flag.ts";
import { ROOT } from "../../scripts/compile.ts";

const FOLDER = join(ROOT, "scripts/bench");
/** Parts of others, which nobody starts. */
const PARTS = ["crowd.ts", "fill.ts", "forget.ts"];
const BENCHES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".ts") && !PARTS.includes(name))
  .map((name) => join("scripts/bench", name));

const SCRIPTS = ["build", "check", "clients", "dist", "migrate", "test"].map((name) => `scripts/${name}.ts`);

function start(path: string, ...words: string[]) {
  const child = Bun.spawn([process.execPath, join(ROOT, path), ...words], { stdout: "pipe", stderr: "pipe" });
  return Promise.all([child.exited, child.stdout.text(), child.stderr.text()]);
}

describe("a bench", () => {
  test.each(["scripts/bench.ts", ...BENCHES])("%s ends with 2 for a word that it does not know", async (path) => {
    const [exitCode, stdout, stderr] = await start(path, "--nonsense");
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toStartWith("Unknown option '--nonsense'");
    expect(stderr).toContain(path.endsWith("bench.ts") ? "--rounds N" : "[--");
  });

  test.each(SCRIPTS)("%s, which is none, does so too, and says what it is for", async (path) => {
    const [exitCode, stdout, stderr] = await start(path, "--nonsense");
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toStartWith("Unknown option '--nonsense'");
    const [helped, help] = await start(path, "--help");
    expect(helped).toBe(0);
    expect(stderr).toContain(help.trim());
  });

  test.each([
    ["scripts/clients.ts", "nobody", "There is no client nobody. There are: "],
    ["scripts/clients.ts", "--api=soap", "--api is one of "],
    ["scripts/dist.ts", "plan9", "There is no platform plan9. There are: "],
    ["scripts/migrate.ts", "Name", '"Name" is no name for a migration'],
  ])("%s %s says what there is", async (path, word, why) => {
    const [exitCode, stdout, stderr] = await start(path, word);
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toStartWith(why);
  });

  test.each([
    ["scripts/bench.ts", "--rounds=1.5", "--rounds is a whole number from 1 to 1000000000, not 1.5."],
    ["scripts/bench/day.ts", "--hours=2", "--from is an hour before the last."],
    ["scripts/bench/keys.ts", "--keys=200", "--keys is a whole number from 1000 to 1000000000, not 200."],
    ["scripts/bench/scale.ts", "--only=people", "--only is one of routes, keys, not people."],
    ["scripts/bench/workers.ts", "--workers=0,1", "--workers is a whole number from 1 to 48, not 0."],
  ])("%s %s says why not", async (path, word, why) => {
    const [exitCode, , stderr] = await start(path, word);
    expect([exitCode, stderr.split("\n")[0]]).toEqual([2, why]);
  });

  test("says what it is for", async () => {
    const [exitCode, stdout] = await start("scripts/bench/soak.ts", "--help");
    expect(exitCode).toBe(0);
    expect(stdout).toStartWith("`bun scripts/bench/soak.ts [--minutes 30]");
    expect(stdout).not.toContain("import");
  });
});

describe("the folder of a bench", () => {
  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("is gone after %s", async (signal, code) => {
    const script = `const { makeScratch } = await import(${JSON.stringify(join(FOLDER, "run/scratch.ts"))});
      const { stopAllOnSignal } = await import(${JSON.stringify(join(FOLDER, "peer/launch.ts"))});
      stopAllOnSignal();
      console.log(makeScratch("flag-test"));
      setInterval(() => undefined, 1_000);`;
    const child = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    const { value } = await child.stdout.getReader().read();
    const folder = new TextDecoder().decode(value).trim();
    expect(existsSync(folder)).toBe(true);
    child.kill(signal);
    expect(await child.exited).toBe(code);
    expect(existsSync(folder)).toBe(false);
  });
});

describe("flags", () => {
  const FLAGS = {
    json: aSwitch,
    list: aList([1, 2], (text) => readCount(text)),
    name: aText,
    parts: someOf(["a", "b"], ["a"]),
    rate: anAmount(undefined),
    rounds: aCount(5, { most: 9 }),
    side: aChoice(["left", "right"]),
    warm: anAmount(3, { least: 0 }),
  };

  test("that are not given are as usual", () => {
    expect(parseFlags(FLAGS, [])).toEqual({
      json: false,
      list: [1, 2],
      name: undefined,
      parts: ["a"],
      rate: undefined,
      rounds: 5,
      side: undefined,
      warm: 3,
    });
  });

  test("are what they say", () => {
    const words = "--json --list 3,4 --name x --parts b,a --rate 0.5 --rounds 9 --side left --warm 0".split(" ");
    expect(parseFlags(FLAGS, words)).toEqual({
      json: true,
      list: [3, 4],
      name: "x",
      parts: ["b", "a"],
      rate: 0.5,
      rounds: 9,
      side: "left",
      warm: 0,
    });
  });

  test.each([
    ["--rounds=0", "--rounds is a whole number from 1 to 9, not 0."],
    ["--rounds=10", "--rounds is a whole number from 1 to 9, not 10."],
    ["--rounds=two", "--rounds is a whole number from 1 to 9, not two."],
    ["--rounds=", "--rounds is a whole number from 1 to 9, not nothing."],
    ["--rate=0", "--rate is a number above 0, not 0."],
    ["--rate=Infinity", "--rate is a number above 0, not Infinity."],
    ["--warm=-1", "--warm is a number from 0 on, not -1."],
    ["--side=up", "--side is one of left, right, not up."],
    ["--parts=a,c", "--parts is one of a, b, not c."],
    ["--list=,", "--list is a list, with commas between, not ,."],
    ["--rounds", "Option '--rounds <value>' argument missing"],
    ["more", "Unexpected argument 'more'"],
  ])("%s are refused", (word, why) => {
    expect(() => parseFlags(FLAGS, [word])).toThrow(why);
  });
});
