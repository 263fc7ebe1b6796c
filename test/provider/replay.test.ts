// Recorded traffic of the vendors, sent again by a client of the gateway: it reaches the same address with the same body and the vendor's own
// key, and the recorded answer comes back byte for byte. A vendor took these very bodies, so nothing may be left out of them.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type JsonObject, isJsonObject } from "../../src/ir/index.ts";
import {
  RECORDED_CASES as CASES,
  RECORDED_KEY as KEY,
  type RecordedCase as Case,
  answerRecorded,
  listRecordedProviders,
  makeRecordedBody as makeBody,
  nameRecordedModel,
} from "../recorded.ts";
import { type Rig, type UpstreamCall, makeRig } from "../rig.ts";

let rig: Rig;
let client = "";
let current: Case | null = null;
let received: UpstreamCall | null = null;

beforeAll(async () => {
  rig = await makeRig({
    upstream(call) {
      if (call.url.includes("/service-accounts/")) return Response.json({ access_token: KEY, expires_in: 3_600 });
      if (call.method === "GET") return Response.json({ data: [], models: [] });
      received = call;
      if (current === null) throw new Error("no case is running");
      return answerRecorded(current);
    },
    config: (config) => ({ ...config, providers: listRecordedProviders() }),
  });
  client = (await rig.issue()).token;
});
afterAll(() => rig.close());

test("there is traffic of every vendor of whom requests were recorded", () => {
  const kinds = new Set(CASES.map(({ vendor }) => vendor.kind));
  expect([...kinds].toSorted()).toEqual([
    "anthropic",
    "azure",
    "compatible",
    "deepseek",
    "gemini",
    "groq",
    "huggingface",
    "mistral",
    "ollama-cloud",
    "openai",
    "openrouter",
    "vercel",
    "vertex",
    "xai",
    "zai",
  ]);
  expect(CASES.length).toBeGreaterThan(80);
});

/** Headers that a provider may see; what else a client sends is none of its business. */
const ALLOWED = new Set([
  "anthropic-version",
  "api-key",
  "authorization",
  "content-type",
  "x-api-key",
  "x-goog-api-key",
]);

describe("recorded traffic", () => {
  for (const each of CASES) {
    test(each.name, async () => {
      current = each;
      received = null;
      const { url } = each.request;
      const model = nameRecordedModel(each);
      const response = await rig.send(each.path.replace("{model}", encodeURIComponent(model)), {
        token: client,
        body: makeBody(each, model),
        headers: { cookie: "c=1", "x-forwarded-for": "10.0.0.1" },
      });
      const call = received as UpstreamCall | null;
      const text = (await response.text()).replaceAll(/^: x-tokligence-.*\n\n/gmu, "");
      expect(response.status).toBe(each.response.status);
      // What no provider would take is not sent at all.
      if (call === null) return expect(response.status).toBe(400);
      expect(call.url).toBe(url);
      expect(call.body).toEqual(expectBody(each));
      expect(response.headers.get("x-tokligence-dropped")).toBeNull();
      expect([...call.headers.keys()].filter((name) => !ALLOWED.has(name))).toEqual([]);
      const [header, value] = CREDENTIALS[each.vendor.kind] ?? ["authorization", `Bearer ${KEY}`];
      expect(call.headers.get(header)).toBe(value);
      // An error in a stream is its end, whatever the vendor sent behind it.
      const expected = text.includes('"error":{')
        ? each.response.body.replace("data: [DONE]\n\n", "")
        : each.response.body;
      if (!hidesUsage(each)) expect(text).toBe(expected);
    });
  }
});

const CREDENTIALS: Readonly<Record<string, readonly [header: string, value: string]>> = {
  anthropic: ["x-api-key", KEY],
  azure: ["api-key", KEY],
  gemini: ["x-goog-api-key", KEY],
};

/** Only the model's name is the gateway's to change, that a chat stream tells its usage, and what asks for nothing. */
function expectBody({ request: { body }, vendor, path, model }: Case): JsonObject {
  const expected: JsonObject = { ...body };
  if (Array.isArray(body["tools"]) && body["tools"].length === 0) delete expected["tools"];
  if (/^(?:o\d|gpt-5(?:-|$))/u.test(model) && body["temperature"] === 1) delete expected["temperature"];
  const isChat = path === "/v1/chat/completions";
  if (isChat && body["stream"] === true && vendor.kind !== "mistral") {
    const options = body["stream_options"];
    expected["stream_options"] = { ...(isJsonObject(options) ? options : {}), include_usage: true };
  }
  return expected;
}

/** A client that did not ask for usage does not get what the gateway asked for. */
function hidesUsage({ request: { body }, path }: Case): boolean {
  return path === "/v1/chat/completions" && body["stream"] === true && body["stream_options"] === undefined;
}
