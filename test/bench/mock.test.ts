// The provider of the bench: every format has a request and an answer, and of a stream exactly the pieces that were asked for bear a time.

import { describe, expect, test } from "bun:test";
import { DIALECTS, type DialectId, findDialect } from "../../scripts/bench/dialect/index.ts";
import { BLANK_STAMP } from "../../scripts/bench/http/stamp.ts";
import { createPace } from "../../scripts/bench/mock/pace.ts";
import { startMock } from "../../scripts/bench/mock/server.ts";

const IDS = Object.keys(DIALECTS) as DialectId[];
const MODEL = "gpt-4o-mini";

async function ask(port: number, id: DialectId, stream: boolean): Promise<Response> {
  const dialect = DIALECTS[id];
  const question = { model: MODEL, bytes: 1_000, stream };
  return fetch(`http://127.0.0.1:${port}${dialect.path(question)}`, {
    method: "POST",
    body: JSON.stringify(dialect.request(question)),
  });
}

describe.each(IDS)("%s", (id) => {
  test("asks as much as it is to", () => {
    for (const bytes of [1_000, 10_000, 200_000]) {
      if (id === "openai-agent" && bytes < 200_000) continue;
      const { length } = JSON.stringify(DIALECTS[id].request({ model: MODEL, bytes, stream: false }));
      expect(length).toBeGreaterThan(bytes * 0.9);
      expect(length).toBeLessThan(bytes * 1.1);
    }
  });

  test("is answered whole, and counted", async () => {
    const mock = startMock();
    mock.follow({ model: MODEL, delayMs: 3, answer: { kind: "whole", bytes: 600 } });
    const answer = await ask(mock.port, id, false);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
    expect(JSON.stringify(await answer.json())).toContain(MODEL);
    expect(mock.calls()).toBe(1);
    mock.stop();
  });

  test.each([0, 1])("streams so many pieces with times, %d ms apart", async (gapMs) => {
    if (DIALECTS[id].frames === null) return;
    const mock = startMock();
    mock.follow({ model: MODEL, delayMs: 0, answer: { kind: "stream", pieces: 20, gapMs } });
    const text = await (await ask(mock.port, id, true)).text();
    const times = [...text.matchAll(/~t=(\d{16})/gu)].map(([, digits]) => Number(digits));
    expect(times).toHaveLength(20);
    expect(times.toSorted((left, right) => left - right)).toEqual(times);
    expect(times[0]).toBeGreaterThan(0);
    expect(text).not.toContain(BLANK_STAMP);
    mock.stop();
  });
});

test("paths that no format has are not found", async () => {
  const mock = startMock();
  mock.follow({ model: MODEL, delayMs: 0, answer: { kind: "whole", bytes: 600 } });
  const answer = await fetch(`http://127.0.0.1:${mock.port}/v1/nothing`, { method: "POST", body: "{}" });
  expect([answer.status, mock.calls()]).toEqual([404, 0]);
  expect(findDialect("/v1beta/models/a:countTokens")).toBeNull();
  mock.stop();
});

test("what is due at a pace keeps to it, even where it is looked at late", () => {
  let now = 0;
  const acted: number[] = [];
  const pace = createPace(10, () => now);
  pace.add(() => acted.push(now) < 5);
  for (now of [9, 10, 19, 20, 45, 50]) pace.tick();
  // The one of 30 and the one of 40 are made up for at 45.
  expect(acted).toEqual([10, 20, 45, 45, 50]);
  expect(pace.waiting()).toBe(0);
});
