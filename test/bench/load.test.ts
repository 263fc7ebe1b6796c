// The load of the bench: it asks as often as it is told, counts waiting from when a request was due, and takes nothing for an answer that is none.

import { describe, expect, test } from "bun:test";
import { DIALECTS } from "../../scripts/bench/dialect/index.ts";
import { openDriver } from "../../scripts/bench/load/drive.ts";
import type { Aim, LoadResult, Pattern } from "../../scripts/bench/load/type.ts";
import type { Script } from "../../scripts/bench/mock/script.ts";
import { startMock } from "../../scripts/bench/mock/server.ts";

const MODEL = "gpt-4o-mini";
const chat = DIALECTS["openai-chat"];
const WHOLE = { kind: "whole", bytes: 100 } as const;

function makeAim(port: number, pieces = 0): Aim {
  const question = { model: MODEL, bytes: 500, stream: pieces > 0 };
  const body = JSON.stringify(chat.request(question));
  return { hostname: "127.0.0.1", port, path: chat.path(question), headers: {}, body, pieces };
}

interface Case {
  pattern: Pattern;
  seconds?: number;
  script?: Partial<Script>;
  pieces?: number;
}

async function measure({ pattern, seconds = 0.1, script = {}, pieces = 0 }: Case) {
  const mock = startMock();
  mock.follow({ model: MODEL, delayMs: 0, answer: WHOLE, ...script });
  const driver = await openDriver(makeAim(mock.port, pieces), pattern);
  const result = await driver.measure(seconds);
  driver.close();
  mock.stop();
  return { result, calls: mock.calls() };
}

/** Passes on what comes, and counts it by connection. */
function watchConnections(to: number, counts: Map<string, number>): { port: number; stop(): void } {
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request, self) {
      const port = String(self.requestIP(request)?.port);
      counts.set(port, (counts.get(port) ?? 0) + 1);
      const { pathname, search } = new URL(request.url);
      return fetch(`http://127.0.0.1:${to}${pathname}${search}`, request);
    },
  });
  return { port: server.port ?? 0, stop: () => void server.stop(true) };
}

describe("a load", () => {
  test("asks so often as it is told, whatever the time", async () => {
    for (const requests of [1, 7, 100]) {
      const { result, calls } = await measure({ pattern: { kind: "closed", connections: 8, requests } });
      expect([result.requests, calls, result.errors]).toEqual([requests, requests, {}]);
      expect(result.latency.count).toBe(requests);
    }
  });

  test("asks again as soon as it is answered, until the time is over", async () => {
    const { result, calls } = await measure({ pattern: { kind: "closed", connections: 4 }, script: { delayMs: 10 } });
    expect(result.requests).toBe(calls);
    expect(result.requests).toBeGreaterThanOrEqual(4);
    expect(result.latency.p50).toBeGreaterThan(9_000);
  });

  test("asks at its rate", async () => {
    const { result, calls } = await measure({
      pattern: { kind: "rate", connections: 32, perSecond: 500 },
      seconds: 0.2,
    });
    expect([result.requests, calls, result.unsent]).toEqual([100, 100, 0]);
    expect(result.late?.count).toBe(100);
  });

  test("asks over each connection in its turn, where several processes are to get their part", async () => {
    const asked = async (inTurn: object): Promise<number> => {
      const mock = startMock();
      mock.follow({ model: MODEL, delayMs: 0, answer: WHOLE });
      const ports = new Map<string, number>();
      const hub = watchConnections(mock.port, ports);
      const driver = await openDriver(makeAim(hub.port), { kind: "rate", connections: 8, perSecond: 20, ...inTurn });
      await driver.measure(0.4);
      driver.close();
      hub.stop();
      mock.stop();
      return Math.max(...ports.values());
    };
    // As many requests as connections, far enough apart that each is answered before the next.
    expect(await asked({ inTurn: true })).toBe(1);
    expect(await asked({})).toBeGreaterThan(1);
  });

  test("counts from when a request was due: who is asked late has waited", async () => {
    const pattern = { kind: "rate", connections: 1, perSecond: 1_000 } as const;
    const { result } = await measure({ pattern, script: { delayMs: 40 } });
    // The second was due at 1 ms, could go out at 40, and was answered at 80.
    expect(result.latency.p999).toBeGreaterThan(75_000);
    expect(result.requests + result.unsent).toBe(100);
    expect(result.unsent).toBeGreaterThan(90);
  });

  test("asks on no connection that was closed while it lay idle, and ends where none is left", async () => {
    let asked = 0;
    const server = Bun.listen<{ mayStay: boolean }>({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        open(socket) {
          // Two of eight are kept, the others are closed before anything is asked on them.
          socket.data = { mayStay: ++asked <= 2 };
          if (!socket.data.mayStay) socket.end();
        },
        data: (socket) => void socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"),
      },
    });
    const driver = await openDriver(makeAim(server.port), { kind: "rate", connections: 8, perSecond: 200 });
    const { requests, errors } = await driver.measure(0.2);
    driver.close();
    server.stop(true);
    // One may close in the very moment in which it is asked.
    const { closed = 0, ...others } = errors;
    expect([requests + closed, others]).toEqual([40, {}]);
    expect(requests).toBeGreaterThan(30);
  });

  test("asks once on each connection, and knows how long each piece was on its way", async () => {
    const answer = { kind: "stream", pieces: 5, gapMs: 5 } as const;
    const pattern = { kind: "once", connections: 20, rampMs: 50 } as const;
    const { result } = await measure({ pattern, script: { answer }, pieces: 5 });
    expect([result.requests, result.pieces, result.errors]).toEqual([20, 100, {}]);
    expect(result.latency.p50).toBeGreaterThan(19_000);
    expect([result.first?.count, result.piece?.count]).toEqual([20, 100]);
    expect(result.piece?.p50).toBeLessThan(result.latency.p50);
  });
});

describe("no answer is", () => {
  test("a stream that ends too early", async () => {
    const answer = { kind: "stream", pieces: 4, gapMs: 0 } as const;
    const { result } = await measure({
      pattern: { kind: "closed", connections: 1, requests: 3 },
      script: { answer },
      pieces: 5,
    });
    expect([result.requests, result.errors]).toEqual([0, { "incomplete stream": 3 }]);
  });

  test.each<[string, string, string]>([
    ["a refusal", "HTTP/1.1 429 Too Many Requests\r\ncontent-length: 2\r\n\r\n{}", "status 429"],
    ["an empty one", "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", "empty"],
    [
      "one without an end",
      "HTTP/1.1 200 OK\r\ndate: now\r\n\r\n{}",
      "malformed: The answer does not say where it ends.",
    ],
    ["a connection that is closed", "", "closed"],
  ])("%s", async (_, bytes, fault) => {
    const server = Bun.listen({
      hostname: "127.0.0.1",
      port: 0,
      socket: {
        data(socket) {
          if (bytes === "") socket.end();
          else socket.write(bytes);
        },
      },
    });
    const driver = await openDriver(makeAim(server.port), { kind: "closed", connections: 1, requests: 1 });
    const result: LoadResult = await driver.measure(0.1);
    expect([result.requests, result.errors]).toEqual([0, { [fault]: 1 }]);
    driver.close();
    server.stop(true);
  });
});
