// Answers that a provider keeps itself, and that it is slow to tell of: whoever waits for that waits no longer than for any other answer.

import { afterEach, expect, test } from "bun:test";
import { IDLE_SECONDS } from "../../src/server/index.ts";
import { type Rig, type Upstream, makeRig, readJson } from "../rig.ts";

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

const PATH = "/v1/responses";

function answer(status: string): Response {
  const output = [
    { type: "message", id: "msg_n", role: "assistant", content: [{ type: "output_text", text: "Here." }] },
  ];
  const usage = { input_tokens: 5, output_tokens: 4, total_tokens: 9 };
  const end = status === "completed" ? { output, usage } : { output: [] };
  return Response.json({ id: "resp_slow", object: "response", model: "gpt-5", background: true, status, ...end });
}

/** Half of an answer, of which no more comes before it is given up. */
function stall(signal: AbortSignal, status = 200): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"id": "resp_slow", '));
      signal.addEventListener("abort", () => controller.error(new Error("aborted")));
    },
  });
  return new Response(body, { status, headers: { "content-type": "application/json" } });
}

async function open(look: (turn: number, signal: AbortSignal) => Response): Promise<{ gateway: Rig; looks(): number }> {
  let looks = 0;
  const upstream: Upstream = ({ method, url, signal }) => {
    if (method === "POST") return answer("queued");
    return url.endsWith("/resp_slow") ? look(++looks, signal) : Response.json({ data: [] });
  };
  rig = await makeRig({ upstream });
  await rig.send(PATH, { body: { model: "gpt-5", input: "Take your time.", background: true } });
  return { gateway: rig, looks: () => looks };
}

async function pass(gateway: Rig, isSo: () => Promise<boolean> | boolean): Promise<void> {
  for (let turn = 0; turn < 200 && !(await isSo()); turn++) {
    gateway.clock.advance(30_000);
    await new Promise(setImmediate);
  }
}

test("an answer that is followed to its end is looked for again where one look does not end", async () => {
  const { gateway } = await open((turn, signal) => (turn === 1 ? stall(signal) : answer("completed")));
  await pass(gateway, async () => (await gateway.rows()).length > 0);
  expect(await gateway.row()).toMatchObject({ status: 200, freshInputTokens: 5, outputTokens: 4 });
});

test("whoever asks for one that does not come is told so, and no less where half a refusal comes", async () => {
  for (const [status, told, words] of [
    [200, 504, 'Provider "openai"'],
    [500, 500, "HTTP 500"],
  ] as const) {
    const { gateway } = await open((_, signal) => stall(signal, status));
    let shown: Response | null = null;
    const showing = gateway.send(`${PATH}/resp_slow`).then((response) => (shown = response));
    await pass(gateway, () => shown !== null);
    const { error } = await readJson(await showing);
    expect([(await showing).status, error.message]).toEqual([told, expect.stringContaining(words)]);
    await gateway.close();
  }
});

test("what is no answer is not taken for one", async () => {
  const { gateway } = await open(() => new Response("<html>"));
  const response = await gateway.send(`${PATH}/resp_slow`);
  const { error } = await readJson(response);
  expect([response.status, error.message]).toEqual([502, expect.stringContaining("another answer")]);
});

test("the server's own limit of silence holds for none of what the provider is asked", async () => {
  const { gateway } = await open(() => answer("in_progress"));
  const { token } = await gateway.issue("gateway_admin");
  for (const [method, path] of [
    ["GET", ""],
    ["POST", "/cancel"],
    ["DELETE", ""],
  ]) {
    const spans: number[] = [];
    const listener = {
      requestIP: () => null,
      timeout: (_: Request, seconds: number) => void spans.push(seconds),
      upgrade: () => false,
    };
    const headers = { authorization: `Bearer ${token}` };
    const url = `http://gateway.test${PATH}/resp_slow${path}`;
    await gateway.app.fetch(new Request(url, { method: method ?? "", headers }), listener);
    // Once it is over, the connection is the server's again.
    expect([method, spans]).toEqual([method, [0, IDLE_SECONDS]]);
  }
});
