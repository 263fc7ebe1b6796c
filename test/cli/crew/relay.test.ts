// What one process of a gateway passes on to another: its client's connection may stand still for as long as the other one works, and no longer.

import { afterEach, expect, test } from "bun:test";
import { createRelay, openRelay } from "../../../src/cli/crew/relay.ts";
import { IDLE_SECONDS } from "../../../src/server/index.ts";
import type { Log } from "../../../src/telemetry/log.ts";

const log: Log = { debug() {}, error() {}, info() {}, setLevel() {}, warn() {} };

let stop: (() => Promise<void>) | null = null;
afterEach(async () => {
  await stop?.();
  stop = null;
});

/** Passes a request on to a process that answers it so; null: there is none. */
async function pass(answer: (() => Response) | null) {
  const plan = { name: `relay-test-${Bun.randomUUIDv7()}`, token: "secret" };
  if (answer !== null) ({ stop } = openRelay(plan, 1, { fetch: async () => answer() }, log));
  const seconds: number[] = [];
  const request = new Request("http://gateway.test/api/v1/profile");
  const response = await createRelay(plan, { log }).pass(1, request, {
    requestIP: () => null,
    timeout: (_request, given) => void seconds.push(given),
    upgrade: () => false,
  });
  return { response, seconds };
}

test.each<[string, (() => Response) | null, number]>([
  ["a whole answer", () => Response.json({ a: 1 }), 200],
  ["nothing", () => new Response(null, { status: 204 }), 204],
  ["one that is not there", null, 503],
])("%s", async (_what, answer, status) => {
  const { response, seconds } = await pass(answer);
  expect(response.status).toBe(status);
  await response.text();
  expect(seconds).toEqual([0, IDLE_SECONDS]);
});

test("a stream, to its end", async () => {
  const rest = Promise.withResolvers<void>();
  async function* go() {
    yield "a";
    await rest.promise;
    yield "b";
  }
  const { response, seconds } = await pass(() => new Response(go()));
  const reader = response.body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("a");
  expect(seconds).toEqual([0]);
  rest.resolve();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toBe("b");
  expect((await reader?.read())?.done).toBe(true);
  expect(seconds).toEqual([0, IDLE_SECONDS]);
});
