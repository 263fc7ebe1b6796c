// Calls that are no chat and name themselves alike: made once, as those of a chat are, whether they come as JSON or as a form.

import { afterEach, describe, expect, test } from "bun:test";
import { type Rig, type Upstream, makeProviderSettings, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

interface Held {
  gateway: Rig;
  /** Lets the provider answer. */
  release(): void;
}

/** A provider of everything, whose answers are told apart by the number of the call. */
async function open(isHeld = false): Promise<Held> {
  let calls = 0;
  const gate = Promise.withResolvers<void>();
  if (!isHeld) gate.resolve();
  const upstream: Upstream = async ({ url, body }) => {
    const text = `answer ${++calls}`;
    await gate.promise;
    if (url.endsWith("/speech")) return new Response(text, { headers: { "content-type": "audio/mpeg" } });
    if ((body as { stream?: boolean } | null)?.stream === true) {
      const piece = {
        id: "c",
        object: "text_completion",
        model: "m",
        choices: [{ index: 0, text, finish_reason: "stop" }],
      };
      const frames = `data: ${JSON.stringify(piece)}\n\ndata: [DONE]\n\n`;
      return new Response(frames, { headers: { "content-type": "text/event-stream" } });
    }
    const usage = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
    const choices = [{ index: 0, text, finish_reason: "stop" }];
    return Response.json({
      id: text,
      model: "m",
      text,
      usage,
      choices,
      data: [{ url: text }],
      results: [{ index: 0 }],
    });
  };
  rig = await makeRig({
    upstream,
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers,
        makeProviderSettings({ name: "one", kind: "compatible", baseUrl: "http://one.test/v1" }),
      ],
    }),
  });
  return { gateway: rig, release: () => gate.resolve() };
}

const NAMED = { "idempotency-key": "order-1" };
const SOUND = "RIFF".repeat(5_000);

/** Each has a boundary of its own, as each try of a client's has. */
function makeForm(prompt: string): FormData {
  const form = new FormData();
  form.set("prompt", prompt);
  form.set("model", "one/m");
  form.set("file", new Blob([SOUND], { type: "audio/wav" }), "clip.wav");
  return form;
}

const json =
  (more: object) =>
  (text: string): unknown => ({ model: "one/m", input: text, prompt: text, query: text, ...more });

const CALLS: [string, string, (text: string) => unknown][] = [
  ["completions", "/v1/completions", json({})],
  ["completions, streamed", "/v1/completions", json({ stream: true })],
  ["moderations", "/v1/moderations", json({})],
  ["rerank", "/v1/rerank", json({ documents: ["a"] })],
  ["images", "/v1/images/generations", json({})],
  ["edits of images", "/v1/images/edits", makeForm],
  ["speech", "/v1/audio/speech", json({})],
  ["transcriptions", "/v1/audio/transcriptions", makeForm],
];

const wordOf = (response: Response): string | null => response.headers.get("x-tokligence-cache");
const withoutComments = (text: string): string => text.replaceAll(/^:.*\n\n/gmu, "");
const readRows = async (gateway: Rig) =>
  (await gateway.rows()).toSorted((left, right) => (left.id < right.id ? -1 : 1));

describe.each(CALLS)("%s", (_name, path, ask) => {
  test("is made once, and answered again to whoever asks the same by the same name", async () => {
    const { gateway } = await open();
    const first = await gateway.send(path, { body: ask("A fox"), headers: NAMED });
    const text = withoutComments(await first.text());
    const second = await gateway.send(path, { body: ask("A fox"), headers: NAMED });
    expect([second.status, withoutComments(await second.text()), gateway.calls.length]).toEqual([200, text, 1]);
    expect([wordOf(first), wordOf(second), second.headers.get("idempotent-replayed")]).toEqual([
      "off",
      "shared",
      "true",
    ]);
    expect(second.headers.get("content-type")).toBe(first.headers.get("content-type"));
    const [paid, given] = await readRows(gateway);
    expect(paid).toMatchObject({ provider: "one", reason: null, status: 200, errorKind: null });
    expect(given).toMatchObject({
      provider: "cache",
      reason: `idempotency:${paid?.id}`,
      endpoint: paid?.endpoint ?? "",
      modelAsked: "one/m",
      status: 200,
      costNanos: 0,
    });
  });

  test("two at once are one call", async () => {
    const { gateway, release } = await open(true);
    const both = [1, 2].map(() => gateway.send(path, { body: ask("A fox"), headers: NAMED }));
    for (let round = 0; gateway.calls.length < 1 || round < 200; round++) await new Promise(setImmediate);
    release();
    const answers = await Promise.all(both);
    const texts = await Promise.all(answers.map(async (answer) => withoutComments(await answer.text())));
    expect([gateway.calls.length, texts[1], answers.map(({ status }) => status)]).toEqual([
      1,
      texts[0] ?? "",
      [200, 200],
    ]);
    expect(await readRows(gateway)).toHaveLength(2);
  });

  test("another body by the same name is refused, and another key's is its own", async () => {
    const { gateway } = await open();
    await (await gateway.send(path, { body: ask("A fox"), headers: NAMED })).text();
    const other = await gateway.send(path, { body: ask("A dog"), headers: NAMED });
    const error = expect.objectContaining({ code: "idempotency_key_reused" });
    expect([other.status, await readJson(other)]).toEqual([409, expect.objectContaining({ error })]);
    const { token } = await gateway.issue();
    const foreign = await gateway.send(path, { body: ask("A dog"), headers: NAMED, token });
    expect([foreign.status, wordOf(foreign), gateway.calls.length]).toEqual([200, "off", 2]);
    await foreign.text();
    expect((await readRows(gateway)).map(({ status }) => status)).toEqual([200, 409, 200]);
  });
});

test("sound goes on while it comes, and is kept for the next one", async () => {
  const pieces = ["one ", "two"];
  const gate = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (pieces.length === 1) await gate.promise;
      const piece = pieces.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(new TextEncoder().encode(piece));
    },
  });
  rig = await makeRig({
    upstream: ({ method }) =>
      new Response(method === "GET" ? null : body, { headers: { "content-type": "audio/mpeg" } }),
  });
  const ask = { body: { model: "openai/tts-1", input: "four" }, headers: NAMED };
  const reader = (await rig.send("/v1/audio/speech", ask)).body?.getReader();
  const first = await reader?.read();
  // All but the last byte, which waits for the row.
  expect(new TextDecoder().decode(first?.value)).toBe("one");
  gate.resolve();
  for (let done = false; !done;) done = (await reader?.read())?.done ?? true;
  const again = await rig.send("/v1/audio/speech", ask);
  expect([await again.text(), again.headers.get("content-type"), rig.calls.length]).toEqual([
    "one two",
    "audio/mpeg",
    1,
  ]);
});

test("what cannot be read is refused as without a name, and another try by that name is made", async () => {
  const { gateway } = await open();
  const form = { ...NAMED, "content-type": "multipart/form-data; boundary=x" };
  const cut = await gateway.send("/v1/images/edits", {
    body: '--x\r\ncontent-disposition: form-data; name="model"\r\n\r\none/m',
    headers: form,
  });
  const broken = await gateway.send("/v1/images/generations", { body: '{"model": "one/m", ', headers: NAMED });
  const large = await gateway.send("/v1/images/edits", { body: makeForm("x".repeat(1_100_000)), headers: NAMED });
  expect([cut.status, broken.status, large.status, gateway.calls.length]).toEqual([400, 400, 413, 0]);
  const good = await gateway.send("/v1/images/edits", { body: makeForm("A fox"), headers: NAMED });
  expect([good.status, gateway.calls.length]).toEqual([200, 1]);
  await good.text();
  expect((await readRows(gateway)).map(({ status }) => status)).toEqual([400, 400, 413, 200]);
});

test("what makes an object is asked each time", async () => {
  const { gateway } = await open();
  for (let time = 0; time < 2; time++) {
    const body = { model: "one/m", input_file_id: undefined, endpoint: "/v1/chat/completions" };
    await (await gateway.send("/v1/batches?provider=one", { body, headers: NAMED })).text();
  }
  expect(gateway.calls).toHaveLength(2);
});
