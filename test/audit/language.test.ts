// Texts of which families of models make far more or fewer tokens than published encodings do: other languages than English, numbers and symbols.
// Who bills what the family's own tokenizer counts is not accused of it, and who bills much more is.

import { afterAll, beforeAll, expect, test } from "bun:test";
import { readRecounts, settleRecounts } from "../recounting.ts";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

let rig: Rig;
let answer: unknown = {};

beforeAll(async () => {
  rig = await makeRig({
    upstream: () => Response.json(answer),
    config: (config) => ({
      ...config,
      providers: (["anthropic", "gemini", "openai"] as const).map((kind) =>
        makeProviderSettings({ name: kind, kind, baseUrl: `https://${kind}.test/v1`, apiKey: "k-0123456789" }),
      ),
      recount: { ...config.recount, isOn: true },
    }),
  });
});
afterAll(() => rig.close());

const TEXTS = {
  German:
    "Die Gesch\u00e4ftsstelle der Krankenversicherung bearbeitet Kosten\u00fcbernahmeantr\u00e4ge werktags zwischen acht und sechzehn Uhr. ".repeat(
      12,
    ),
  Indonesian:
    "Silakan perbarui kata sandi pengguna sebelum melanjutkan pendaftaran, karena tautan konfirmasi akan segera kedaluwarsa. ".repeat(
      12,
    ),
  Vietnamese:
    "H\u00f4m nay tr\u1eddi \u0111\u1eb9p, ch\u00fang t\u00f4i mu\u1ed1n \u0111i d\u1ea1o trong c\u00f4ng vi\u00ean v\u00e0 u\u1ed1ng c\u00e0 ph\u00ea v\u1edbi b\u1ea1n b\u00e8. ".repeat(
      12,
    ),
  Amharic: "\u1230\u120b\u121d \u1208\u12d3\u1208\u121d \u12a5\u1295\u12f4\u1275 \u1290\u1205 \u12db\u122c ".repeat(30),
  Georgian:
    "\u10d2\u10d0\u10db\u10d0\u10e0\u10ef\u10dd\u10d1\u10d0 \u10db\u10e1\u10dd\u10e4\u10da\u10d8\u10dd, \u10e0\u10dd\u10d2\u10dd\u10e0 \u10ee\u10d0\u10e0 \u10d3\u10e6\u10d4\u10e1? ".repeat(
      30,
    ),
  numbers: Array.from({ length: 120 }, (_, line) => {
    const at = line + 1;
    return `${(7_919 * at) % 90_001},${(104_729 * at) % 1_000_003},${(37 * at) % 997}\n`;
  }).join(""),
  "a tree of files": "\u251c\u2500\u2500 src \u2502 \u2514\u2500\u2500 main \u2500\u2510\n".repeat(40),
};

const CLAUDE = "claude-sonnet-4-5";
const LATER = "claude-opus-4-7";
const GEMINI = "gemini-2.0-flash";

/** By ctok 1.3.0 for Claude, with its frame, and by the tokenizer.json of Gemma, Qwen 3, Llama 3 and DeepSeek V3. */
const COUNTS: readonly [text: keyof typeof TEXTS, model: string, tokens: number][] = [
  ["German", CLAUDE, 512],
  ["German", LATER, 708],
  ["Indonesian", CLAUDE, 476],
  ["Indonesian", LATER, 708],
  ["Vietnamese", CLAUDE, 548],
  ["Vietnamese", LATER, 564],
  ["Vietnamese", "deepseek-chat", 421],
  ["Amharic", CLAUDE, 788],
  ["Amharic", GEMINI, 600],
  ["Amharic", "qwen-max", 809],
  ["Georgian", GEMINI, 751],
  ["Georgian", "llama-3.3-70b", 1_890],
  ["numbers", CLAUDE, 966],
  ["numbers", GEMINI, 1_996],
  ["numbers", "qwen-max", 1_996],
  ["numbers", "llama-3.3-70b", 959],
  ["a tree of files", LATER, 531],
  ["a tree of files", GEMINI, 360],
];

test.each(COUNTS)("%s for %s is %i tokens, and nobody is accused of them", async (text, model, tokens) => {
  expect(await judge(TEXTS[text], model, tokens)).toBe("within");
});

test("nor where many calls in English have told how the provider counts these", async () => {
  const english =
    "The house stood on a hill, and from its windows one could see the river wind away to the sea. ".repeat(9);
  for (let call = 0; call < 40; call++) expect(await judge(english + "x".repeat(call % 7), CLAUDE, 236)).toBe("within");
  expect(await judge(english, CLAUDE, 290)).toBe("over");
  for (const text of ["German", "Vietnamese", "Amharic", "numbers"] as const) {
    const [, , tokens = 0] = COUNTS.find(([name, model]) => name === text && model === CLAUDE) ?? [];
    expect([text, await judge(TEXTS[text], CLAUDE, tokens)]).toEqual([text, "within"]);
  }
});

test.each<[keyof typeof TEXTS, string, number]>([
  ["German", CLAUDE, 850],
  ["Vietnamese", LATER, 1_000],
  ["numbers", CLAUDE, 1_400],
  ["numbers", GEMINI, 2_600],
  ["numbers", "gpt-4o", 1_000],
])("%s for %s is not %i tokens", async (text, model, tokens) => {
  expect(await judge(TEXTS[text], model, tokens)).toBe("over");
});

/** What is said of the row of a provider that counts so many tokens of the text, asked and answered alike. */
async function judge(text: string, model: string, tokens: number): Promise<string | null | undefined> {
  const usage = { prompt_tokens: tokens, completion_tokens: tokens, total_tokens: 2 * tokens };
  let path = "/v1/chat/completions";
  let body: Record<string, unknown> = { model: `openai/${model}`, messages: [{ role: "user", content: text }] };
  const message = { role: "assistant", content: text };
  answer = { id: "1", object: "chat.completion", choices: [{ index: 0, message, finish_reason: "stop" }], usage };
  if (model.startsWith("claude")) {
    path = "/v1/messages";
    body = { ...body, model: `anthropic/${model}`, max_tokens: 9 };
    const content = [{ type: "text", text }];
    const counts = { input_tokens: tokens, output_tokens: tokens };
    answer = { id: "1", type: "message", role: "assistant", content, stop_reason: "end_turn", usage: counts };
  }
  if (model.startsWith("gemini")) {
    path = `/v1beta/models/gemini/${model}:generateContent`;
    const content = { role: "model", parts: [{ text }] };
    body = { contents: [{ ...content, role: "user" }] };
    const counts = { promptTokenCount: tokens, candidatesTokenCount: tokens, totalTokenCount: 2 * tokens };
    answer = { candidates: [{ content, finishReason: "STOP", index: 0 }], usageMetadata: counts };
  }
  const response = await rig.send(path, { body });
  expect({ status: response.status, text: await response.text() }).toMatchObject({ status: 200 });
  await settleRecounts(rig.recounter);
  return [...(await readRecounts(rig.store)).values()].at(-1)?.verdict;
}
