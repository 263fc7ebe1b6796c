// Two ends of a line, without a process between them: what is said in one turn goes out as one, in its order, and whoever asks is answered.

import { describe, expect, test } from "bun:test";
import { openLine, type Offer } from "../../../src/cli/crew/line.ts";
import { GatewayError } from "../../../src/ir/index.ts";

function connect(offer: Offer) {
  let sent = 0;
  const faults: unknown[] = [];
  const here = openLine<Record<string, (...given: number[]) => unknown>>({
    send(messages) {
      sent++;
      there.hear(structuredClone(messages));
    },
    offer: {},
    onFault: () => undefined,
  });
  const there = openLine({
    send: (messages) => here.hear(structuredClone(messages)),
    offer,
    onFault: (error) => faults.push(error),
  });
  return { here, faults, sent: () => sent };
}

describe("a line", () => {
  test("sends what one turn brings as one, and in its order", async () => {
    const heard: number[] = [];
    const { here, sent } = connect({ note: (value: number) => heard.push(value) });
    for (let value = 0; value < 10; value++) here.tell("note", value);
    expect(await here.ask("note", 10)).toBe(11);
    expect(heard).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(sent()).toBe(1);
    here.tell("note", 11);
    await here.ask("note", 12);
    expect(sent()).toBe(2);
  });

  test("hands a failure to whoever asked, and one that nobody waits for to the other end", async () => {
    const fail = () => {
      throw new GatewayError({ kind: "overloaded", message: "No room.", retryAfterMs: 7 });
    };
    const { here, faults } = connect({ fail });
    here.tell("fail");
    await expect(here.ask("fail")).rejects.toMatchObject({ kind: "overloaded", message: "No room.", retryAfterMs: 7 });
    await expect(here.ask("nothing")).rejects.toThrow('There is no "nothing"');
    expect(faults).toHaveLength(1);
  });

  test("that is cut tells whoever waits, and says nothing more", async () => {
    const { here, sent } = connect({ wait: () => new Promise(() => undefined) });
    const asked = here.ask("wait");
    here.cut();
    await expect(asked).rejects.toThrow("is gone");
    await expect(here.ask("wait")).rejects.toThrow("is gone");
    await new Promise(setImmediate);
    expect(sent()).toBe(0);
  });
});
