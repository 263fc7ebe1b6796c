// Every recording, read by its provider's own SDK directly and by each surface's SDK through the gateway: text, tool calls, stop reason, tokens
// and the class of an error are the same.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { KEYS } from "../provider/bedrock-rig.ts";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";
import type { Reading } from "./reading.ts";
import { type RecordedAnswer, listAnswers } from "./source.ts";
import { SURFACES, type SurfaceId, ask } from "./surface.ts";

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
  {
    file: /^openai\/ai\/responses__openai-error\.1\.chunks\.txt/,
    field: "error",
    why: "a quota that was used up, told in a stream before anything else: the gateway answers with the status of what it means, on which SDKs act",
  },
];

/** An error's body without its status. */
const LEFT_OUT = ["gemini/ai/google-429-retry-info.json 1"];

let rig: Rig;
let key = "";
/** What the provider answers next. */
let current: RecordedAnswer | null = null;

beforeAll(async () => {
  rig = await makeRig({
    upstream: (call) => (call.method === "GET" ? Response.json({ data: [] }) : answer()),
    config: (config) => ({
      ...config,
      providers: [
        ...config.providers.filter(({ name }) => name !== "local"),
        makeProviderSettings({ name: "bedrock", kind: "bedrock", options: KEYS }),
        makeProviderSettings({ name: "cohere", kind: "cohere", baseUrl: "http://cohere.test", apiKey: "co-test" }),
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
  const { status, bytes, contentType } = current;
  return new Response(Buffer.from(bytes), { status, headers: { "content-type": contentType } });
}

const ANSWERS = listAnswers().filter(({ name }) => !LEFT_OUT.includes(name));

for (const surface of Object.keys(SURFACES) as SurfaceId[]) {
  describe(surface, () => {
    for (const recorded of ANSWERS.filter(({ surfaces = [surface] }) => surfaces.includes(surface))) {
      test(recorded.name, async () => {
        current = recorded;
        const { name, model, stream } = recorded;
        const expected = await recorded.readDirectly();
        const fetch = (request: Request) => rig.app.fetch(request);
        const actual = await ask(surface, { fetch, key, model, stream });
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
