// Every recording, read by its provider's own SDK directly and by each surface's SDK through the gateway: text, tool calls, stop reason, tokens
// and the class of an error are the same.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Interaction, listRecordings, readRecording } from "../fixture.ts";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import type { Reading } from "./reading.ts";
import { SURFACES, type SurfaceId, ask } from "./surface.ts";

/** The surface by which a recording's own provider is read, and the model that leads to a provider of that format. */
const SOURCES: Readonly<Record<string, { direct: SurfaceId; model: string }>> = {
  anthropic: { direct: "anthropic-messages", model: "claude-sonnet-5-5" },
  chat: { direct: "openai-chat", model: "local/any" },
  gemini: { direct: "gemini", model: "google/gemini-3-pro-preview" },
  responses: { direct: "openai-responses", model: "gpt-5-codex" },
};

/** What cannot agree, and why: everything but the field is the same, and the field is checked to differ still. */
const EXPLAINED: readonly {
  file: RegExp;
  field: keyof Reading | "all";
  why: string;
  surfaces?: readonly SurfaceId[];
}[] = [
  {
    file: /^(?:xai\/(?!ai\/responses)|gemini\/.*calls_without_id)/,
    field: "output",
    why: "counted outside of completion_tokens, as only the total tells; the gateway books and shows all that was produced",
    surfaces: ["anthropic-messages", "gemini", "openai-responses"],
  },
  {
    file: /^mistral\/ai\/mistral-reasoning\.chunks\.txt/,
    field: "text",
    why: "OpenAI's SDK cannot add up Mistral's lists of parts in a stream; translated, they are plain text",
    surfaces: ["anthropic-messages", "gemini", "openai-responses"],
  },
  {
    file: /^mistral\/ai\/mistral-tool-call\.chunks\.txt/,
    field: "all",
    why: "OpenAI's SDK refuses a streamed call without a type; translated, it has all that a call needs",
    surfaces: ["anthropic-messages", "gemini", "openai-responses"],
  },
  {
    file: /^openai\/ai\/responses__openai-custom-tool/,
    field: "calls",
    why: "Messages knows no calls of free text: the text is the one argument of a call with arguments",
    surfaces: ["anthropic-messages", "gemini"],
  },
  {
    file: /^gemini\/ai\/google-stream-no-args-tool-call\.chunks\.txt/,
    field: "calls",
    why: "Google's SDK hands out the pieces of a call as they come; translated, each call is whole",
    surfaces: ["anthropic-messages", "openai-chat", "openai-responses"],
  },
  {
    file: /^openai\/ai\/responses__openai-error\.1\.json/,
    field: "all",
    why: "an error whose status was not recorded: the SDK finds no answer in it, and the gateway tells that the provider refused",
  },
];

/** An error's body without its status. */
const LEFT_OUT = ["gemini/ai/google-429-retry-info.json"];

let rig: Rig;
let key = "";
/** What the provider answers next. */
let current: Interaction["response"] | null = null;

beforeAll(async () => {
  rig = await makeRig({
    upstream: (call) => (call.method === "GET" ? Response.json({ data: [] }) : answer()),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers.filter(({ name }) => name !== "local"),
        makeProviderSettings({ name: "google", kind: "gemini", baseUrl: "http://google.test", apiKey: "AIza-test" }),
        makeProviderSettings({ name: "local", kind: "compatible", baseUrl: "http://local.test/v1" }),
      ],
    }),
  });
  key = (await rig.issue()).token;
});
afterAll(() => rig.close());

function answer(): Response {
  if (current === null) throw new Error("no recording chosen");
  const { status, bytes, headers } = current;
  return new Response(Buffer.from(bytes), {
    status,
    headers: { "content-type": headers["content-type"] ?? "application/json" },
  });
}

const CASES = listRecordings().flatMap((row) => {
  const source = SOURCES[row.surface];
  if (source === undefined || LEFT_OUT.includes(row.file)) return [];
  return readRecording(row.file).flatMap(({ request, response }, index) => {
    // A count of tokens is no answer.
    if (request?.url.endsWith(":countTokens") === true) return [];
    return [{ ...source, response, name: `${row.file} ${index + 1}` }];
  });
});

for (const surface of Object.keys(SURFACES) as SurfaceId[]) {
  describe(surface, () => {
    for (const { name, response, direct, model } of CASES) {
      test(name, async () => {
        current = response;
        const stream = isStream(response);
        const expected = await ask(direct, { fetch: answer, key: "sk-direct", model, stream });
        const question = { fetch: (request: Request) => rig.app.fetch(request), key, model, stream };
        const actual = await ask(surface, question);
        const explained = EXPLAINED.find(
          ({ file, surfaces }) => file.test(name) && (surfaces ?? [surface]).includes(surface),
        );
        if (explained === undefined) {
          expect(actual).toEqual(expected);
          return;
        }
        const { field } = explained;
        if (field === "all") {
          expect(actual).not.toEqual(expected);
          return;
        }
        expect({ ...actual, [field]: null }).toEqual({ ...expected, [field]: null });
        expect(actual[field]).not.toEqual(expected[field]);
      });
    }
  });
}

function isStream({ headers, body }: Interaction["response"]): boolean {
  return (headers["content-type"] ?? "").includes("event-stream") || /^(?:event|data):/m.test(body);
}
