// A soak, as short as it can be: the real executable, all that a soak asks of it, and a row for each answer.

import { expect, test } from "bun:test";
import { join } from "node:path";
import { ROOT } from "../../scripts/compile.ts";

interface Told {
  parts: { name: string; answered: number; refused: number; rows: number }[];
  memory: { first: number; last: number };
  samples: number[];
  faults: string[];
}

test.if(process.platform === "linux")("asks all there is, reads memory, and finds a row of each", async () => {
  const flags = ["--json", "--minutes", "0.1", "--warm-up", "0.02", "--rate", "60"];
  const child = Bun.spawn([process.execPath, join(ROOT, "scripts/bench/soak.ts"), ...flags], {
    stdout: "pipe",
    stderr: "ignore",
  });
  const told: Told = JSON.parse(await child.stdout.text());
  // In seconds, memory is anything but even.
  const faults = told.faults.filter((fault) => !fault.startsWith("Its memory"));
  expect(faults).toEqual([]);
  expect(await child.exited).toBe(told.faults.length > 0 ? 1 : 0);
  const by = new Map(told.parts.map((part) => [part.name, part]));
  expect([...by.keys()].toSorted()).toEqual([
    "broken",
    "embeddings",
    "fallback",
    "left",
    "plain",
    "refused",
    "strange",
    "stream",
  ]);
  for (const [name, { answered, refused, rows }] of by) {
    expect([name, answered + refused > 0]).toEqual([name, true]);
    expect([name, rows]).toEqual([name, name === "refused" ? 0 : answered + refused]);
  }
  expect(by.get("broken")?.answered).toBe(0);
  expect(by.get("refused")?.answered).toBe(0);
  expect(told.samples.length).toBeGreaterThan(3);
  expect(told.memory.first).toBeGreaterThan(10e6);
});
