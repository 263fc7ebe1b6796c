// Large bodies through the executable, both ways, over real sockets: whole, in little memory, and ended at once where either side leaves.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync, existsSync } from "node:fs";
import { type Served, issueKey, serve, waitUntil } from "./binary.ts";

const MEGABYTE = 1024 * 1024;
const SIZE = 128 * MEGABYTE;
/** Far below the body; what is in sockets and on its way comes on top of the program itself. */
const MAX_GROWTH = 64 * MEGABYTE;

interface Taken {
  path: string;
  length: number | null;
  bytes: number;
  hash: string;
  ended: "broken" | "whole";
}

const taken: Taken[] = [];
let waiting = 0;

/** Reads a body as it comes and keeps nothing of it but a sum. */
async function take(request: Request): Promise<Taken> {
  const hasher = new Bun.CryptoHasher("sha256");
  const result: Taken = {
    path: new URL(request.url).pathname,
    length: request.headers.has("content-length") ? Number(request.headers.get("content-length")) : null,
    bytes: 0,
    hash: "",
    ended: "broken",
  };
  taken.push(result);
  try {
    for await (const chunk of request.body ?? []) {
      result.bytes += chunk.byteLength;
      hasher.update(chunk);
    }
    result.ended = "whole";
  } catch {
    return result;
  }
  result.hash = hasher.digest("hex");
  return result;
}

const upstream = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  maxRequestBodySize: 2 * SIZE,
  async fetch(request) {
    const { pathname } = new URL(request.url);
    if (pathname === "/v1/models") return Response.json({ object: "list", data: [] });
    if (pathname === "/v1/endless") {
      waiting++;
      request.signal.addEventListener("abort", () => waiting--);
      return new Response(new ReadableStream({ start: (controller) => controller.enqueue(new Uint8Array(10_000)) }));
    }
    if (pathname === "/v1/download") return new Response(makeBytes(SIZE));
    const result = await take(request);
    return Response.json({ text: result.hash });
  },
});

/** Made piece by piece, the same each time. */
function makeBytes(size: number): ReadableStream<Uint8Array> {
  let sent = 0;
  const piece = Buffer.alloc(MEGABYTE, "0123456789abcdef\r\n--");
  return new ReadableStream({
    pull(controller) {
      if (sent >= size) return controller.close();
      sent += piece.length;
      controller.enqueue(piece);
    },
  });
}

async function* makeForm(fields: { before: string; behind: string }): AsyncGenerator<Uint8Array> {
  yield Buffer.from(`${fields.before}--edge\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n`);
  yield* makeBytes(SIZE);
  yield Buffer.from(`\r\n${fields.behind}--edge--\r\n`);
}

async function measure(pieces: AsyncIterable<Uint8Array>): Promise<{ bytes: number; hash: string }> {
  const hasher = new Bun.CryptoHasher("sha256");
  let bytes = 0;
  for await (const piece of pieces) {
    bytes += piece.byteLength;
    hasher.update(piece);
  }
  return { bytes, hash: hasher.digest("hex") };
}

const field = (model: string): string => `--edge\r\nContent-Disposition: form-data; name="model"\r\n\r\n${model}\r\n`;

let gateway: Served;
let token = "";
beforeAll(async () => {
  gateway = await serve({
    config: "max_body_bytes = 200MiB\n[aliases]\nears = openai/gpt-4o-transcribe\n",
    env: { OPENAI_API_KEY: "sk-test-openai-key", OPENAI_BASE_URL: `http://127.0.0.1:${upstream.port}/v1` },
  });
  token = (await issueKey(gateway, "gateway_admin")).token;
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop(true);
});

/** The most memory that the executable ever had, where the system tells; else what it has now. */
function readPeak(): number {
  const status = `/proc/${gateway.pid}/status`;
  if (existsSync(status)) return Number(/VmHWM:\s+(\d+)/u.exec(readFileSync(status, "utf8"))?.[1]) * 1024;
  return Number(Bun.spawnSync(["ps", "-o", "rss=", "-p", String(gateway.pid)]).stdout.toString()) * 1024;
}

const ORDERS = [
  ["before the file", { before: field("MODEL"), behind: "" }],
  ["behind the file", { before: "", behind: field("MODEL") }],
] as const;

test.each(ORDERS)(
  "a form of 128 MiB with its model %s goes through under the model's own name",
  async (_name, parts) => {
    const fill = (model: string) => ({
      before: parts.before.replace("MODEL", model),
      behind: parts.behind.replace("MODEL", model),
    });
    const sent = await measure(makeForm(fill("ears")));
    const expected = await measure(makeForm(fill("gpt-4o-transcribe")));
    const before = readPeak();
    const response = await fetch(`${gateway.url}/v1/audio/transcriptions`, {
      method: "POST",
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "multipart/form-data; boundary=edge",
        "content-length": String(sent.bytes),
      },
      body: makeForm(fill("ears")),
    });
    expect([response.status, await response.json()]).toEqual([200, { text: expected.hash }]);
    expect(taken.at(-1)).toMatchObject({
      path: "/v1/audio/transcriptions",
      length: expected.bytes,
      bytes: expected.bytes,
      ended: "whole",
    });
    expect(readPeak() - before).toBeLessThan(MAX_GROWTH);
  },
);

/** One object a line, as files of batches have them. */
async function* makeLines(size: number): AsyncGenerator<Uint8Array> {
  const line = `${JSON.stringify({ custom_id: "one", body: { model: "gpt-4o", input: "x".repeat(900) } })}\n`;
  const piece = Buffer.from(line.repeat(1_000));
  for (let sent = 0; sent < size; sent += piece.length) yield piece;
}

test("lines of JSON that nobody reads go on while they come", async () => {
  const sent = await measure(makeLines(SIZE));
  const before = readPeak();
  const response = await fetch(`${gateway.url}/passthrough/openai/v1/anything`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: makeLines(SIZE),
  });
  expect([response.status, await response.json()]).toEqual([200, { text: sent.hash }]);
  expect(readPeak() - before).toBeLessThan(MAX_GROWTH);
});

test("128 MiB come back as they are, in little memory", async () => {
  const before = readPeak();
  const response = await fetch(`${gateway.url}/passthrough/openai/v1/download`, {
    headers: { authorization: `Bearer ${token}` },
  });
  expect(await measure(response.body ?? makeBytes(0))).toEqual(await measure(makeBytes(SIZE)));
  expect(readPeak() - before).toBeLessThan(MAX_GROWTH);
});

test("a client that leaves in the middle of its upload ends the provider's call, and is on the books", async () => {
  const controller = new AbortController();
  const body = async function* (): AsyncGenerator<Uint8Array> {
    yield Buffer.from(`${field("ears")}--edge\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n`);
    for (;;) {
      yield Buffer.alloc(MEGABYTE);
      if (controller.signal.aborted) return;
    }
  };
  const count = taken.length;
  const sending = fetch(`${gateway.url}/v1/audio/transcriptions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "multipart/form-data; boundary=edge" },
    body: body(),
    signal: controller.signal,
  }).catch(() => null);
  await waitUntil(() => (taken[count]?.bytes ?? 0) > MEGABYTE, "the upload to be under way");
  controller.abort();
  await sending;
  await waitUntil(() => waitingRows("audio.transcriptions", 499), "the row");
  await waitUntil(() => taken[count]?.ended === "broken", "the provider to be left alone");
});

test("a client that leaves in the middle of a download ends the provider's call", async () => {
  const controller = new AbortController();
  const response = await fetch(`${gateway.url}/passthrough/openai/v1/endless`, {
    headers: { authorization: `Bearer ${token}` },
    signal: controller.signal,
  });
  await response.body?.getReader().read();
  expect(waiting).toBe(1);
  controller.abort();
  await waitUntil(() => waiting === 0, "the provider to be left alone");
  await waitUntil(() => waitingRows("passthrough", 499), "the row");
});

async function waitingRows(endpoint: string, status: number): Promise<boolean> {
  const query = `endpoint=${endpoint}&status=${status}`;
  const response = await fetch(`${gateway.url}/api/v1/usage/logs?${query}`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const { entries } = (await response.json()) as { entries: unknown[] };
  return entries.length > 0;
}
