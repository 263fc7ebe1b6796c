// When a worker takes the office for hanging, and when no more.

import { expect, test } from "bun:test";
import { createPulse } from "../../../src/cli/crew/pulse.ts";
import { makeClock } from "../../clock.ts";

function open() {
  const clock = makeClock();
  const lines: string[] = [];
  const note = (line: string): void => void lines.push(line);
  const beats: PromiseWithResolvers<void>[] = [];
  const pulse = createPulse({ clock, log: { info: note, error: note } });
  pulse.start(() => {
    const beat = Promise.withResolvers<void>();
    beats.push(beat);
    return beat.promise;
  });
  /** One look after another. */
  const pass = (looks: number): void => {
    for (let look = 0; look < looks; look++) clock.advance(1_000);
  };
  return { pulse, beats, lines, pass };
}

test("who waits is told as soon as it is known, whoever comes then asks nobody, and late answers are handed over", async () => {
  const { pulse, beats, lines, pass } = open();
  const late: string[] = [];
  const asked = Promise.withResolvers<string>();
  const waits = pulse.heed(
    () => asked.promise,
    (answer) => void late.push(answer),
  );
  pass(5);
  expect(pulse.isSilent()).toBe(false);
  pass(1);
  expect(pulse.isSilent()).toBe(true);
  expect(waits).rejects.toMatchObject({ kind: "overloaded", code: "front_silent" });
  let wasAsked = false;
  const refused = pulse.heed(async () => (wasAsked = true));
  expect(refused).rejects.toMatchObject({ code: "front_silent" });
  expect(wasAsked).toBe(false);
  pass(100);
  // It is not given more and more to hear.
  expect(beats).toHaveLength(1);
  asked.resolve("place");
  beats[0]?.resolve();
  await Promise.resolve();
  expect([pulse.isSilent(), late]).toEqual([false, ["place"]]);
  expect(await pulse.heed(async () => "answer")).toBe("answer");
  expect(lines).toEqual([
    "The process in front does not answer any more: calls that need it are refused",
    "The process in front answers again",
  ]);
});

test("one that answers each time is never silent", async () => {
  const { pulse, beats, pass } = open();
  for (let round = 0; round < 20; round++) {
    pass(1);
    beats.at(-1)?.resolve();
    await Promise.resolve();
  }
  expect(beats).toHaveLength(20);
  expect(pulse.isSilent()).toBe(false);
});
