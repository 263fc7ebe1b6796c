// The simulated day: time passes as it is told to, nothing that ends by the clock stays, and what is left behind is found. In processes of their own, whose time
// is nobody else's.

import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { ROOT } from "../../scripts/compile.ts";

interface Told {
  objects: number;
  counts: { timers: number }[];
  asked: Record<string, number>;
  faults: string[];
}

async function passDay(...flags: string[]): Promise<{ exitCode: number; told: Told }> {
  const command = [process.execPath, join(ROOT, "scripts/bench/day.ts"), "--json", ...flags];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "ignore" });
  const [text, exitCode] = await Promise.all([child.stdout.text(), child.exited]);
  return { exitCode, told: JSON.parse(text) };
}

describe("some hours of a day", () => {
  test("leave as many timers as there were", async () => {
    const { told } = await passDay("--hours", "2", "--from", "1");
    const [first, second] = told.counts;
    expect(told.objects).toBeLessThan(0.1);
    expect(second?.timers).toBeLessThanOrEqual((first?.timers ?? 0) + 2);
    // Keys ended, links came by mail, limits held, one that failed was passed over.
    expect(told.asked).toMatchObject({
      "mail read": 6,
      "/api/v1/auth/verify 200": 6,
      "/api/v1/admin/api-keys/…/revoke 200": 6,
      "/v1/chat/completions 429": 2 * 56,
      "/v1/chat/completions 401": 56,
      "/v1/chat/completions 404": 56,
      left: 56,
    });
  });

  test("in which something is left behind each minute are found out", async () => {
    const { exitCode, told } = await passDay("--hours", "2", "--from", "1", "--plant", "entry,timer");
    expect(exitCode).toBe(1);
    expect(told.faults).toContain("60 more timers are set.");
    expect(told.objects).toBeGreaterThan(0.2);
    expect(told.faults).toContainEqual(expect.stringMatching(/^There are \+\d+\.\d % objects/u));
  });
});

const TIME = `
  import { simulateTime } from ${JSON.stringify(join(ROOT, "scripts/bench/day/time.ts"))};
  const said = [];
  const time = simulateTime(1_000_000);
  const { setTimeout: later, setInterval: again } = globalThis;
  const say = (what) => said.push(what + " at " + (Date.now() - 1_000_000));
  later(() => say("late"), 300);
  later((what) => say(what), 100, "early");
  clearTimeout(later(() => say("never"), 200));
  const put = later(() => say("put off"), 250);
  const every = again(() => say("every"), 400);
  later(() => later(() => say("chained"), 10), 20);
  later(() => put.refresh(), 200);
  await time.pass(150);
  const before = time.pending();
  await time.pass(850);
  clearInterval(every);
  const date = new Date();
  console.log(JSON.stringify({
    said, before, after: time.pending(), date: date.getTime(), now: performance.now(),
    isDate: [date instanceof Date, structuredClone(new Date(5)) instanceof Date, {} instanceof Date],
  }));
  time.end();
  if (Date.now() < 1.7e12) throw new Error("time is not real again");
`;

test("time passes when it is told to, in order, for all who ask", async () => {
  const child = Bun.spawn([process.execPath, "-e", TIME], { stdout: "pipe", stderr: "inherit" });
  const told = JSON.parse(await child.stdout.text());
  expect(await child.exited).toBe(0);
  expect(told).toEqual({
    said: ["chained at 30", "early at 100", "late at 300", "every at 400", "put off at 450", "every at 800"],
    before: 4,
    after: 0,
    date: 1_001_000,
    now: 1_000,
    isDate: [true, true, false],
  });
});
