// The surface whose addresses name model and method: both versions of it, streams in both framings, counts, vectors, and Google's SDK on top.

import { afterEach, describe, expect, test } from "bun:test";
import { ApiError, FunctionCallingConfigMode, GoogleGenAI } from "@google/genai";
import OpenAI from "openai";
import { type Rig, type Upstream, makeProviderSettings, makeRig, makeStream, readJson } from "../rig.ts";

const KEY = "AIza-canary-0123456789";

type Append = NonNullable<NonNullable<Parameters<typeof makeRig>[0]>["append"]>;

let rig: Rig | null = null;
afterEach(async () => {
  await rig?.close();
  rig = null;
});

async function open(upstream?: Upstream, over: { append?: Append; baseUrl?: string } = {}): Promise<Rig> {
  const { append, baseUrl = "http://google.test" } = over;
  rig = await makeRig({
    ...(upstream === undefined
      ? {}
      : { upstream: (call) => (call.method === "GET" ? Response.json({}) : upstream(call)) }),
    ...(append === undefined ? {} : { append }),
    config: (config) => ({
      ...config,
      aliases: [{ pattern: "short", target: "gemini/gemini-3-pro", origin: "t" }],
      defaultRoutes: [
        ...config.defaultRoutes,
        { pattern: "gemini-*", targets: [{ provider: "gemini", model: null }], origin: "default" },
      ],
      secrets: [...config.secrets, KEY],
      providers: [...config.providers, makeProviderSettings({ name: "gemini", kind: "gemini", baseUrl, apiKey: KEY })],
    }),
  });
  return rig;
}

const HELLO = { contents: [{ role: "user", parts: [{ text: "Hello" }] }] };
const ANSWER = {
  candidates: [{ content: { parts: [{ text: "Hi" }], role: "model" }, finishReason: "STOP", index: 0 }],
  usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 2, totalTokenCount: 12 },
  modelVersion: "gemini-3-pro",
  responseId: "r1",
};
const FRAMES = ["He", "llo"].map(
  (text, index) =>
    `data: ${JSON.stringify({
      ...ANSWER,
      candidates: [
        { content: { parts: [{ text }], role: "model" }, index: 0, ...(index === 1 ? { finishReason: "STOP" } : {}) },
      ],
    })}\r\n\r\n`,
);

describe("what Google's own provider is asked, and what it says, pass as they are", () => {
  test.each(["/v1beta/models/", "/v1/models/", "/v1beta1/publishers/google/models/"])("%s", async (start) => {
    const text = JSON.stringify(ANSWER, null, 1);
    const gateway = await open(() => new Response(text, { headers: { "content-type": "application/json" } }));
    const body = `{ "contents":[{"parts":[{"text":"Hello"}]}], "x_unknown" : 1e0 }`;
    const response = await gateway.send(`${start}short:generateContent`, { body });
    expect(await response.text()).toBe(text);
    const [call] = gateway.calls;
    expect(call?.url).toBe("http://google.test/v1beta/models/gemini-3-pro:generateContent");
    expect(call?.text).toBe(body);
    expect(call?.headers.get("x-goog-api-key")).toBe(KEY);
    expect(await gateway.row()).toMatchObject({
      endpoint: "generateContent",
      modelAsked: "short",
      modelServed: "gemini-3-pro",
      freshInputTokens: 10,
      outputTokens: 2,
      streamed: false,
      usageSource: "provider",
    });
  });

  // As the AI SDK and LangChain say a name with a slash.
  test.each(["/v1beta/", "/v1/", "/v1beta/models/"])("%s with a provider's name", async (start) => {
    const gateway = await open(() => Response.json(ANSWER));
    const response = await gateway.send(`${start}gemini/gemini-3-pro:generateContent`, { body: HELLO });
    expect(response.status).toBe(200);
    expect(gateway.calls[0]?.url).toBe("http://google.test/v1beta/models/gemini-3-pro:generateContent");
    expect(await gateway.row()).toMatchObject({ modelAsked: "gemini/gemini-3-pro", modelServed: "gemini-3-pro" });
  });

  test("a single content and part, as Google's own examples have them in place of lists, too", async () => {
    const gateway = await open(() => Response.json(ANSWER));
    const body = `{"contents":{"role":"USER","parts":{"text":"Hello"}}}`;
    const response = await gateway.send("/v1beta/models/gemini-3-pro:generateContent", { body });
    expect([response.status, gateway.calls[0]?.text]).toEqual([200, body]);
  });

  test("a version in the provider's address stands for ours", async () => {
    const gateway = await open(() => Response.json(ANSWER), { baseUrl: "http://google.test/v1" });
    await gateway.send("/v1beta/models/gemini-3-pro:generateContent", { body: HELLO });
    expect(gateway.calls[0]?.url).toBe("http://google.test/v1/models/gemini-3-pro:generateContent");
  });

  test("a stream keeps its bytes, and its end comes after its row", async () => {
    const order: string[] = [];
    const gateway = await open(() => makeStream(FRAMES), {
      append: async () => void order.push("the row is written"),
    });
    const response = await gateway.send("/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse", { body: HELLO });
    expect(response.headers.get("content-type")).toContain("text/event-stream");
    for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      order.push(piece);
    }
    // No comment on the cost either: Google's SDK for Python would take it for JSON.
    expect(order).toEqual([FRAMES[0] ?? "", "the row is written", FRAMES[1] ?? ""]);
    expect(gateway.calls[0]?.url).toBe("http://google.test/v1beta/models/gemini-3-pro:streamGenerateContent?alt=sse");
  });
});

describe("without alt=sse a stream is one JSON array", () => {
  const path = "/v1beta/models/gemini-3-pro:streamGenerateContent";

  test.each(["\r\n", "\r"])("forwarded, of lines that end in %j", async (end) => {
    const gateway = await open(() => makeStream(FRAMES.map((frame) => frame.replaceAll("\r\n", end))));
    const response = await gateway.send(path, { body: HELLO });
    expect(response.headers.get("content-type")).toContain("application/json");
    const chunks = await readJson(response);
    expect(chunks.map((chunk: typeof ANSWER) => chunk.candidates[0]?.content.parts[0]?.text)).toEqual(["He", "llo"]);
  });

  test("translated", async () => {
    const gateway = await open();
    const chunks = await readJson(await gateway.send("/v1/models/loopback:streamGenerateContent", { body: HELLO }));
    const parts = chunks.flatMap((chunk: typeof ANSWER) => chunk.candidates[0]?.content.parts);
    expect(parts.map((part: { text: string }) => part.text).join("")).toBe("[loopback] Hello");
    expect(chunks.at(-1)).toMatchObject({ candidates: [{ finishReason: "STOP" }], usageMetadata: {} });
  });

  test("an error in the middle is its last element", async () => {
    const gateway = await open(() => makeStream([FRAMES[0] ?? ""]));
    const chunks = await readJson(await gateway.send(path, { body: HELLO }));
    expect(chunks).toHaveLength(2);
    expect(chunks[1].error).toMatchObject({ code: 502, status: "INTERNAL" });
  });
});

describe("errors are told in Google's shape", () => {
  test("ours", async () => {
    const gateway = await open();
    const unknown = await gateway.send("/v1beta/models/nothing:generateContent", { body: HELLO });
    expect(unknown.status).toBe(404);
    expect((await readJson(unknown)).error).toMatchObject({ code: 404, status: "NOT_FOUND" });
    const empty = await gateway.send("/v1beta/models/loopback:generateContent", { body: {} });
    expect(empty.status).toBe(400);
    expect((await readJson(empty)).error).toMatchObject({
      code: 400,
      status: "INVALID_ARGUMENT",
      message: "* GenerateContentRequest.contents: contents is not specified",
    });
    const nobody = await gateway.send("/v1beta/models/loopback:generateContent", { body: HELLO, token: null });
    expect(nobody.status).toBe(401);
    expect((await readJson(nobody)).error.status).toBe("UNAUTHENTICATED");
  });

  test.each(["MALFORMED_FUNCTION_CALL", "MISSING_THOUGHT_SIGNATURE"])(
    "and an answer that failed with %s is no empty one to clients of other formats",
    async (finishReason) => {
      const gateway = await open(() => Response.json({ ...ANSWER, candidates: [{ finishReason, index: 0 }] }));
      const response = await gateway.chat({ model: "gemini-3-pro", messages: [{ role: "user", content: "Hello" }] });
      expect(response.status).toBe(502);
      expect((await readJson(response)).error.code).toBe("answer_failed");
    },
  );

  test.each([
    ["34.4s", "35"],
    [`${"9".repeat(23)}s`, String(365 * 86_400)],
  ])("and a body that says to try again in %s says so to clients of other formats", async (retryDelay, told) => {
    const details = [{ "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay }];
    const error = { code: 429, message: "You exceeded your current quota.", status: "RESOURCE_EXHAUSTED", details };
    const gateway = await open(() => Response.json({ error }, { status: 429 }));
    const response = await gateway.chat({ model: "gemini-3-pro", messages: [{ role: "user", content: "Hello" }] });
    expect([response.status, response.headers.get("retry-after")]).toEqual([429, told]);
    expect((await readJson(response)).error).toMatchObject({ message: error.message, code: "rate_limit_exceeded" });
  });
});

describe("asked of another format's provider", () => {
  const answer = { index: 0, message: { role: "assistant", content: "A dot." }, finish_reason: "stop" };
  const openElsewhere = (): Promise<Rig> => open(() => Response.json({ id: "c1", model: "gpt-4o", choices: [answer] }));
  const path = "/v1beta/models/gpt-4o:generateContent";

  test("bytes go on in the one alphabet that all providers read: Google's SDK for Python sends the other", async () => {
    const gateway = await openElsewhere();
    const inline = (mimeType: string, data: string): object => ({ inlineData: { mimeType, data } });
    const parts = [inline("image/png", "-_-_-w=="), inline("image/png", "-_-_-w"), inline("application/pdf", "+/+/")];
    const shown = { functionResponse: { name: "look", response: {}, parts: [inline("image/png", "_-_-")] } };
    const contents = [
      { role: "user", parts },
      { role: "model", parts: [{ functionCall: { name: "look", args: {} } }] },
      { role: "user", parts: [shown] },
    ];
    expect((await gateway.send(path, { body: { contents } })).status).toBe(200);
    expect(gateway.calls[0]?.text.match(/data:[^"]+/gu)).toEqual([
      "data:image/png;base64,+/+/+w==",
      "data:image/png;base64,+/+/+w==",
      "data:application/pdf;base64,+/+/",
      "data:image/png;base64,/+/+",
    ]);
  });

  test("a single content and part stand for lists of one", async () => {
    const gateway = await openElsewhere();
    const system_instruction = { parts: { text: "Be brief." } };
    const one = { system_instruction, contents: { role: "USER", parts: { text: "Hello" } } };
    const model = { role: "MODEL", parts: { text: "Hi" } };
    const more = { contents: [one.contents, model, one.contents] };
    for (const body of [one, more]) expect((await gateway.send(path, { body })).status).toBe(200);
    const said = (role: string, content: string): object => ({ role, content });
    const hello = said("user", "Hello");
    expect(gateway.calls.map(({ body }) => body)).toMatchObject([
      { messages: [said("system", "Be brief."), hello] },
      { messages: [hello, said("assistant", "Hi"), hello] },
    ]);
  });

  test.each(["cachedContent", "cached_content"])("%s, which only Google can look up, is refused", async (name) => {
    const gateway = await openElsewhere();
    const response = await gateway.send(path, { body: { ...HELLO, [name]: "cachedContents/abc" } });
    expect(response.status).toBe(400);
    expect((await readJson(response)).error.message).toBe(
      "'cachedContent' is kept at another provider than this model's. Send what it stands for.",
    );
    expect(gateway.calls).toEqual([]);
  });
});

describe("counting tokens", () => {
  test("asks the provider that can count, about the model that it knows", async () => {
    const gateway = await open(() => Response.json({ totalTokens: 31 }));
    const generateContentRequest = { model: "models/short", ...HELLO };
    const path = "/v1beta/models/short:countTokens";
    expect(await readJson(await gateway.send(path, { body: { generateContentRequest } }))).toEqual({ totalTokens: 31 });
    expect(gateway.calls[0]).toMatchObject({
      url: "http://google.test/v1beta/models/gemini-3-pro:countTokens",
      body: { generateContentRequest: { model: "models/gemini-3-pro", ...HELLO } },
    });
  });

  test("elsewhere it is our estimate; longer texts count more", async () => {
    const gateway = await open();
    const count = async (text: string): Promise<number> => {
      const body = { contents: [{ parts: [{ text }] }] };
      return (await readJson(await gateway.send("/v1beta/models/loopback:countTokens", { body }))).totalTokens;
    };
    expect(await count("a few words only")).toBeGreaterThan(0);
    expect(await count("a few words only ".repeat(100))).toBeGreaterThan(100);
  });
});

describe("vectors", () => {
  const values = [0.25, -0.5, 1];

  test("of Google's, forwarded: one, and many, each about the model that it knows", async () => {
    const gateway = await open(({ url }) =>
      Response.json(url.includes(":batch") ? { embeddings: [{ values }] } : { embedding: { values } }),
    );
    const content = { parts: [{ text: "a text to be found again" }] };
    const one = await gateway.send("/v1beta/models/short:embedContent", { body: { model: "models/short", content } });
    expect(await readJson(one)).toEqual({ embedding: { values } });
    const requests = [{ model: "models/short", content: { role: "user", ...content }, taskType: "RETRIEVAL_QUERY" }];
    const many = await gateway.send("/v1beta/models/short:batchEmbedContents", { body: { requests } });
    expect(await readJson(many)).toEqual({ embeddings: [{ values }] });
    expect(gateway.calls.map(({ url, body }) => [url.slice(url.lastIndexOf("/")), body])).toEqual([
      ["/gemini-3-pro:embedContent", { model: "models/gemini-3-pro", content }],
      ["/gemini-3-pro:batchEmbedContents", { requests: [{ ...requests[0], model: "models/gemini-3-pro" }] }],
    ]);
    // What a list says of each text beside it is no more to be read.
    const booked = { usageSource: "estimate", freshInputTokens: 6 };
    expect(await gateway.rows()).toMatchObject([booked, booked]);
  });

  test("of Google's for OpenAI's SDK, which asks for base64", async () => {
    const gateway = await open(() => Response.json({ embeddings: [{ values }, { values: [1, 0, 0] }] }));
    const { token } = await gateway.issue();
    const client = new OpenAI({
      apiKey: token,
      baseURL: "http://gateway.test/v1",
      fetch: gateway.fetch,
    });
    const input = ["first text", "second text"];
    const { data, usage, model } = await client.embeddings.create({
      model: "gemini-embedding-001",
      input,
      dimensions: 3,
    });
    expect(data.map(({ embedding }) => [...embedding])).toEqual([values, [1, 0, 0]]);
    expect(model).toBe("gemini-embedding-001");
    expect(usage.prompt_tokens).toBeGreaterThan(0);
    expect(gateway.calls[0]).toMatchObject({
      url: "http://google.test/v1beta/models/gemini-embedding-001:batchEmbedContents",
      body: {
        requests: input.map((text) => ({
          model: "models/gemini-embedding-001",
          content: { parts: [{ text }] },
          outputDimensionality: 3,
        })),
      },
    });
  });

  test.each([
    [{ input: [[1, 2]] }, "input[0]"],
    [{ input: "a", encoding_format: "int8" }, "encoding_format"],
  ])("another model's tokens and forms are refused by name, and no one is asked: %j", async (asked, param) => {
    const gateway = await open();
    const response = await gateway.send("/v1/embeddings", { body: { model: "gemini-embedding-001", ...asked } });
    expect([response.status, (await readJson(response)).error.param]).toEqual([400, param]);
    expect(gateway.calls).toEqual([]);
  });

  test("of OpenAI's for Google's clients, with what it cannot be told named", async () => {
    const usage = { prompt_tokens: 7, total_tokens: 7 };
    const data = [
      { object: "embedding", index: 1, embedding: [1, 0, 0] },
      { object: "embedding", index: 0, embedding: values },
    ];
    const gateway = await open(() => Response.json({ object: "list", data, model: "text-embedding-3-small", usage }));
    const requests = ["a", "b"].map((text) => ({
      content: { parts: [{ text }] },
      taskType: "RETRIEVAL_QUERY",
      outputDimensionality: 3,
    }));
    const path = "/v1beta/models/text-embedding-3-small:batchEmbedContents";
    const response = await gateway.send(path, { body: { requests } });
    expect(await readJson(response)).toEqual({
      embeddings: [{ values }, { values: [1, 0, 0] }],
      usageMetadata: { promptTokenCount: 7, totalTokenCount: 7 },
    });
    expect(response.headers.get("x-tokligence-dropped")).toBe("taskType");
    expect(gateway.calls[0]?.body).toEqual({
      model: "text-embedding-3-small",
      input: ["a", "b"],
      encoding_format: "float",
      dimensions: 3,
    });
    expect(await gateway.row()).toMatchObject({ freshInputTokens: 7, usageSource: "provider" });
  });
});

describe("Google's SDK", () => {
  const connect = async (gateway: Rig): Promise<GoogleGenAI> => {
    const { token } = await gateway.issue();
    return new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl: "http://gateway.test", fetch: gateway.fetch } });
  };

  test("a chat that goes on, whole and streamed", async () => {
    const client = await connect(await open());
    const chat = client.chats.create({ model: "loopback", config: { systemInstruction: "Be brief." } });
    expect((await chat.sendMessage({ message: "Grüße 🦜" })).text).toBe("[loopback] Grüße 🦜");
    let text = "";
    for await (const chunk of await chat.sendMessageStream({ message: "again" })) text += chunk.text ?? "";
    expect(text).toBe("[loopback] again");
    const [first, , third] = chat.getHistory();
    expect([first, third].map((content) => content?.parts?.[0]?.text)).toEqual(["Grüße 🦜", "again"]);
  });

  test("a model of another vendor's calls a tool", async () => {
    const call = { id: "call_1", type: "function", function: { name: "look", arguments: '{"word":"mole"}' } };
    const message = { role: "assistant", content: null, tool_calls: [call] };
    const gateway = await open(() =>
      Response.json({ id: "c1", model: "gpt-4o", choices: [{ index: 0, message, finish_reason: "tool_calls" }] }),
    );
    const client = await connect(gateway);
    const answer = await client.models.generateContent({
      model: "gpt-4o",
      contents: "Look up mole",
      config: {
        tools: [{ functionDeclarations: [{ name: "look", parametersJsonSchema: { type: "object", properties: {} } }] }],
        toolConfig: { functionCallingConfig: { mode: FunctionCallingConfigMode.ANY } },
      },
    });
    expect(answer.functionCalls).toEqual([{ id: "call_1", name: "look", args: { word: "mole" } }]);
    expect(gateway.calls[0]?.body).toMatchObject({ tool_choice: "required", tools: [{ function: { name: "look" } }] });
  });

  test("counts, vectors and models", async () => {
    const client = await connect(await open());
    const { totalTokens = 0 } = await client.models.countTokens({ model: "loopback", contents: "How many words?" });
    expect(totalTokens).toBeGreaterThan(0);
    const { embeddings = [] } = await client.models.embedContent({
      model: "loopback",
      contents: ["one", "two"],
      config: { outputDimensionality: 8 },
    });
    expect(embeddings.map(({ values: numbers = [] }) => numbers.length)).toEqual([8, 8]);
    const listed = await Array.fromAsync(await client.models.list({ config: { pageSize: 1 } }));
    expect(listed.map(({ name }) => name)).toContain("models/loopback");
    expect((await client.models.get({ model: "loopback" })).supportedActions).toContain("generateContent");
    const missing = await client.models.get({ model: "nothing" }).catch((error: unknown) => error);
    expect(missing).toBeInstanceOf(ApiError);
    expect(missing).toMatchObject({ status: 404 });
  });
});
