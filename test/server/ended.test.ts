// What is under way when its key or its user is no more, over real sockets: it ends at once, its caller is told why in his own format, the provider is
// hung up on, and what it had produced by then is on the books.

import { afterEach, describe, expect, test } from "bun:test";
import { type CutScene, PLAIN_HEAD, STREAM_HEAD, chunk, openCutScene, piece } from "./cut-scene.ts";
import type { Rig } from "../rig.ts";

const LIMIT_MS = 250;
const OPERATOR = { kind: "operator" } as const;

let scene: CutScene | null = null;
afterEach(async () => {
  await scene?.stop();
  scene = null;
});

type Issued = Awaited<ReturnType<Rig["issue"]>>;

const REVOKED = { kind: "unauthenticated", says: "This API key was revoked" };
const SUSPENDED = { kind: "forbidden", says: "The owner of this API key is suspended" };
const DELETED = { kind: "unauthenticated", says: "The owner of this API key was deleted" };
const EXPIRED = { kind: "unauthenticated", says: "This API key has expired" };

interface End {
  by(rig: Rig, key: Issued): Promise<unknown>;
  kind: string;
  says: string;
}

const ENDS: Record<string, End> = {
  "its key is revoked": { by: ({ directory }, { keyId }) => directory.revokeKey(OPERATOR, keyId), ...REVOKED },
  "its key is deleted": {
    by: ({ directory }, { keyId }) => directory.deleteKey(OPERATOR, keyId, { hard: false }),
    ...REVOKED,
  },
  "its key is removed for good": {
    by: ({ directory }, { keyId }) => directory.deleteKey(OPERATOR, keyId, { hard: true }),
    ...REVOKED,
  },
  "its key is rotated without an overlap": {
    by: ({ directory }, { keyId }) => directory.rotateKey(OPERATOR, keyId, { overlapMs: 0 }),
    ...REVOKED,
  },
  "its key expires": { by: async ({ clock }) => clock.advance(1_000), ...EXPIRED },
  "its user is suspended": {
    by: ({ directory }, { userId }) => directory.updateUser(OPERATOR, userId, { status: "suspended" }),
    ...SUSPENDED,
  },
  "its user is deleted": {
    by: ({ directory }, { userId }) => directory.deleteUser(OPERATOR, userId, { hard: false }),
    ...DELETED,
  },
  "its user is removed for good": {
    by: ({ directory }, { userId }) => directory.deleteUser(OPERATOR, userId, { hard: true }),
    ...REVOKED,
  },
};

const HELLO = [{ role: "user", content: "Tell me a story." }];
const SAID = chunk({ content: "abcdefghijklmnop" });

interface Case {
  path: string;
  body: object;
  /** What the provider has said before; nothing where it keeps the client waiting. */
  says: string;
  /** Our own count of it. */
  output: number;
  /** How the client is told, where the key is revoked: the HTTP status, and the last of what it reads. */
  told: [status: number, end: RegExp];
  /** Whether the row tells of a status of its own. */
  status: number;
}

const CHAT_ERROR = /data: \{"error":\{"message":"This API key was revoked[^\n]*"code":"invalid_api_key"[^\n]*\}\n\n/u;

const CASES: Record<string, Case> = {
  "a stream": {
    path: "/v1/chat/completions",
    body: { model: "local/m", stream: true, messages: HELLO },
    says: STREAM_HEAD + SAID,
    output: 4,
    told: [200, CHAT_ERROR],
    status: 200,
  },
  "a stream behind a translation": {
    path: "/v1/messages",
    body: { model: "local/m", max_tokens: 99, stream: true, messages: HELLO },
    says: STREAM_HEAD + SAID,
    output: 4,
    told: [
      200,
      /event: error\ndata: \{"type":"error","error":\{"type":"authentication_error","message":"This API key was revoked/u,
    ],
    status: 200,
  },
  "a stream of responses": {
    path: "/v1/responses",
    body: { model: "local/m", stream: true, input: "Tell me a story." },
    says: STREAM_HEAD + SAID,
    output: 4,
    told: [200, /"type":"(?:error|response\.failed)"[^\n]*This API key was revoked/u],
    status: 200,
  },
  "a stream framed as a JSON array": {
    path: "/v1beta/models/local/m:streamGenerateContent",
    body: { contents: [{ role: "user", parts: [{ text: "Tell me a story." }] }] },
    says: STREAM_HEAD + SAID,
    output: 4,
    told: [200, /"code":401[^\n]*This API key was revoked[^\n]*"status":"UNAUTHENTICATED"/u],
    status: 200,
  },
  "a stream that has not begun": {
    path: "/v1/chat/completions",
    body: { model: "local/m", stream: true, messages: HELLO },
    says: "",
    output: 0,
    told: [401, /This API key was revoked/u],
    status: 401,
  },
  "a stream whose headers are there": {
    path: "/v1/responses",
    body: { model: "local/m", stream: true, input: "Tell me a story." },
    says: STREAM_HEAD,
    output: 0,
    told: [401, /This API key was revoked/u],
    status: 401,
  },
  "a plain request that waits for headers": {
    path: "/v1/messages",
    body: { model: "local/m", max_tokens: 99, messages: HELLO },
    says: "",
    output: 0,
    told: [401, /"type":"authentication_error","message":"This API key was revoked/u],
    status: 401,
  },
  "a plain request in the middle of its answer": {
    path: "/v1/chat/completions",
    body: { model: "local/m", messages: HELLO },
    says: PLAIN_HEAD + piece('{"id":"c","choices":[{"index":0,"mess'),
    output: 0,
    told: [401, /This API key was revoked/u],
    status: 401,
  },
  vectors: {
    path: "/v1/embeddings",
    body: { model: "local/m", input: "Tell me a story." },
    says: "",
    output: 0,
    told: [401, /This API key was revoked/u],
    status: 401,
  },
  "a stream of text completions": {
    path: "/v1/completions",
    body: { model: "local/m", stream: true, prompt: "Tell me a story." },
    says: STREAM_HEAD + piece(`data: ${JSON.stringify({ choices: [{ index: 0, text: "abcdefghijklmnop" }] })}\n\n`),
    output: 4,
    told: [200, CHAT_ERROR],
    status: 200,
  },
};

/** Of the given key; `first` resolves once something of the answer is there. */
function ask({ url }: CutScene, token: string, { path, body }: Pick<Case, "body" | "path">) {
  const first = Promise.withResolvers<void>();
  const read = async (): Promise<{ status: number; text: string }> => {
    const response = await fetch(`${url}${path}`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    let text = "";
    const decoder = new TextDecoder();
    for await (const bytes of response.body ?? []) {
      text += decoder.decode(bytes, { stream: true });
      first.resolve();
    }
    return { status: response.status, text };
  };
  return { first: first.promise, done: read() };
}

describe("when its key is revoked", () => {
  test.each(Object.entries(CASES))("%s ends, and says so", async (_name, { says, output, told, status, ...asked }) => {
    scene = await openCutScene();
    const { rig, provider } = scene;
    const key = await rig.issue();
    const { first, done } = ask(scene, key.token, asked);
    await provider.asked;
    if (says !== "") provider.say(says);
    if (output > 0) await first;
    await rig.directory.revokeKey(OPERATOR, key.keyId);
    const atMs = performance.now();
    await rig.ring.refresh();
    expect((await provider.closed) - atMs).toBeLessThan(LIMIT_MS);
    const answer = await done;
    expect(answer.status).toBe(told[0]);
    expect(answer.text).toMatch(told[1]);
    expect(await rig.row()).toMatchObject({
      status,
      errorKind: "unauthenticated",
      usageSource: "estimate",
      freshInputTokens: 4,
      outputTokens: output,
      // The provider has nothing to do with it.
      attempts: [{ provider: "local", errorKind: "cancelled" }],
    });
  });
});

describe("a stream ends when", () => {
  test.each(Object.entries(ENDS))("%s", async (_name, { by, kind, says }) => {
    scene = await openCutScene();
    const { rig, provider } = scene;
    const key = await rig.issue("gateway_user", { expiresAt: new Date(rig.clock.wallMs() + 1_000) });
    const { first, done } = ask(scene, key.token, {
      path: "/v1/chat/completions",
      body: { model: "local/m", stream: true, messages: HELLO },
    });
    await provider.asked;
    provider.say(STREAM_HEAD + SAID);
    await first;
    await by(rig, key);
    await rig.ring.refresh();
    await provider.closed;
    expect((await done).text).toContain(says);
    expect(await rig.row()).toMatchObject({ status: 200, errorKind: kind, outputTokens: 4 });
  });

  test("the overlap of the token that it came in with is over, and not when the token before it is", async () => {
    scene = await openCutScene();
    const { rig, provider } = scene;
    const key = await rig.issue();
    await rig.directory.rotateKey(OPERATOR, key.keyId, { overlapMs: 2_000 });
    await rig.ring.refresh();
    const { first, done } = ask(scene, key.token, {
      path: "/v1/chat/completions",
      body: { model: "local/m", stream: true, messages: HELLO },
    });
    await provider.asked;
    provider.say(STREAM_HEAD + SAID);
    await first;
    rig.clock.advance(1_000);
    await rig.ring.refresh();
    expect(await rig.rows()).toEqual([]);
    rig.clock.advance(1_000);
    await rig.ring.refresh();
    expect((await done).text).toContain("This API key has expired");
  });
});

test("whatever else becomes of keys and users, a stream goes on", async () => {
  scene = await openCutScene();
  const { rig, provider } = scene;
  const [key, other] = [await rig.issue(), await rig.issue()];
  const { first, done } = ask(scene, key.token, {
    path: "/v1/chat/completions",
    body: { model: "local/m", stream: true, messages: HELLO },
  });
  await provider.asked;
  provider.say(STREAM_HEAD + SAID);
  await first;
  await rig.directory.updateKey(OPERATOR, key.keyId, { name: "another", scopes: ["inference"] });
  await rig.directory.updateUser(OPERATOR, key.userId, { displayName: "Ana", role: "gateway_admin" });
  await rig.directory.rotateKey(OPERATOR, key.keyId, { overlapMs: 60_000 });
  await rig.directory.deleteUser(OPERATOR, other.userId, { hard: true });
  await rig.ring.refresh();
  provider.say(`${piece("data: [DONE]\n\n")}0\r\n\r\n`);
  expect((await done).text).toContain("[DONE]");
  expect(await rig.row()).toMatchObject({ status: 200 });
  // What is over is nobody's to end any more.
  await rig.directory.revokeKey(OPERATOR, key.keyId);
  await rig.ring.refresh();
  expect(await rig.rows()).toHaveLength(1);
});

test("a stream that nobody reads is booked at once, and says why to whoever reads on", async () => {
  scene = await openCutScene();
  const { rig, provider } = scene;
  const key = await rig.issue();
  const response = rig.chat({ model: "local/m", stream: true, messages: HELLO }, { token: key.token });
  await provider.asked;
  provider.say(STREAM_HEAD + SAID);
  const body = (await response).body?.getReader();
  const { value } = (await body?.read()) ?? {};
  await rig.directory.revokeKey(OPERATOR, key.keyId);
  await rig.ring.refresh();
  await provider.closed;
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  expect(await rig.row()).toMatchObject({ errorKind: "unauthenticated", outputTokens: 4 });
  let text = new TextDecoder().decode(value);
  for (;;) {
    const { done, value: more } = (await body?.read()) ?? { done: true };
    if (done) break;
    text += new TextDecoder().decode(more);
  }
  expect(text).toMatch(CHAT_ERROR);
});

test("a call that is made in the background ends, and whoever follows it by another key that has ended, too", async () => {
  scene = await openCutScene();
  const { rig, provider, url } = scene;
  const [key, other] = [await rig.issue(), await rig.issue()];
  const { key: second, token } = await rig.directory.createKey(OPERATOR, key.userId, {});
  await rig.ring.refresh();
  const made = await rig.send("/v1/responses", {
    token: key.token,
    body: { model: "local/m", input: "Tell me a story.", background: true, stream: true },
  });
  const reader = made.body?.getReader();
  await provider.asked;
  provider.say(STREAM_HEAD + SAID);
  let told = "";
  while (!told.includes("abcdefghijklmnop")) told += new TextDecoder().decode((await reader?.read())?.value);
  const id = /"id":"(resp_[^"]+)"/u.exec(told)?.[1] ?? "";
  const follow = fetch(`${url}/v1/responses/${id}?stream=true`, { headers: { authorization: `Bearer ${token}` } });
  const followed = (await follow).text();
  expect((await rig.send(`/v1/responses/${id}`, { token: other.token })).status).toBe(404);
  await rig.directory.revokeKey(OPERATOR, second.id);
  await rig.ring.refresh();
  expect(await followed).toContain("This API key was revoked");
  expect(await rig.rows()).toEqual([]);
  await rig.directory.revokeKey(OPERATOR, key.keyId);
  await rig.ring.refresh();
  await provider.closed;
  while ((await rig.rows()).length === 0) await new Promise(setImmediate);
  expect(await rig.row()).toMatchObject({ errorKind: "unauthenticated", outputTokens: 4 });
});
