// README's first minute, typed word for word into one shell: what it promises is what a stranger sees.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { copyFileSync, linkSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { BINARY, makeFolder, waitUntil, waitUntilUp } from "./binary.ts";

const README = join(import.meta.dir, "../../README.md");
const HEADING = "## The first minute";
/** As README has it. */
const ADDRESS = "http://localhost:8081";

interface Step {
  command: string;
  /** What README shows below it; `…` stands for anything. */
  lines: string[];
}

/** The first console block below the heading. */
function readSteps(): Step[] {
  const [, below = ""] = readFileSync(README, "utf8").split(`${HEADING}\n`);
  const [, block = ""] = /^```console\n(.*?)^```$/msu.exec(below) ?? [];
  const steps: Step[] = [];
  for (const line of block.trimEnd().split("\n")) {
    if (line.startsWith("$ ")) steps.push({ command: line.slice(2), lines: [] });
    else steps.at(-1)?.lines.push(line);
  }
  return steps;
}

let folder = "";
let home = "";
beforeAll(() => {
  folder = makeFolder();
  home = makeFolder();
  const file = join(folder, "tokligence");
  try {
    linkSync(BINARY, file);
  } catch {
    // Another disk.
    copyFileSync(BINARY, file);
  }
  mkdirSync(home, { recursive: true });
});
afterAll(() => {
  for (const path of [folder, home]) rmSync(path, { recursive: true, force: true });
});

test("the first minute", async () => {
  const steps = readSteps();
  expect(steps.length).toBeGreaterThan(5);
  expect(readdirSync(folder)).toEqual(["tokligence"]);
  // Where another program has the port, its answers would be taken for ours.
  await waitUntil(async () => (await fetch(ADDRESS).catch(() => null)) === null, `${ADDRESS} to be free`);
  const shell = openShell();
  let said: string;
  try {
    for (const { command, lines } of steps) {
      const printed = await shell.type(command);
      expect({ command, lines: printed.map(squeeze) }).toEqual({ command, lines: fill(lines, printed) });
      if (command.includes(" serve ")) await waitUntilUp(ADDRESS);
    }
  } finally {
    said = await shell.close();
  }
  expect(said).toBe("");
  const log = readFileSync(join(folder, "gateway.log"), "utf8");
  expect(log).toContain("Stopped");
  expect(log).not.toContain('"level":"error"');
});

/** README's lines with what was printed in the place of each `…`, so that a difference shows as lines side by side. */
function fill(lines: readonly string[], printed: readonly string[]): string[] {
  return lines.map((line, index) => {
    const pattern = squeeze(line).split("…").map(RegExp.escape).join(".+");
    const found = squeeze(printed[index] ?? "");
    return new RegExp(`^${pattern}$`, "u").test(found) ? found : squeeze(line);
  });
}

/** Columns are as wide as what is in them: a slower answer moves its neighbours. */
function squeeze(line: string): string {
  return line.replaceAll(/ +/gu, " ").trimEnd();
}

/** One bash for all commands, so that what one sets the next one has. */
function openShell() {
  const child = Bun.spawn(["bash"], {
    cwd: folder,
    env: { HOME: home, PATH: process.env["PATH"] ?? "" },
    stdin: "pipe",
    stdout: "pipe",
    stderr: "pipe",
  });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const said = child.stderr.text();
  let text = "";
  let count = 0;
  return {
    /** The lines that the command prints to stdout. */
    async type(command: string): Promise<string[]> {
      const end = `\n--- end of step ${++count} ---\n`;
      await child.stdin.write(`${command}\nprintf '%s' ${quote(end)}\n`);
      await child.stdin.flush();
      while (!text.includes(end)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the shell ended at: ${command}\n${await said}`);
        text += value;
      }
      const printed = text.slice(0, text.indexOf(end));
      text = text.slice(text.indexOf(end) + end.length);
      return printed === "" ? [] : printed.replace(/\n$/u, "").split("\n");
    },
    /** Stops the server as the shell's owner would; answers what was said on stderr. */
    async close(): Promise<string> {
      await child.stdin.write("kill %1; wait\n");
      await child.stdin.end();
      await child.exited;
      return said;
    },
  };
}

function quote(text: string): string {
  return `'${text}'`;
}
