// Every kind of export, by its own shape: what of it is read. The files' origin is in test/fixtures/export/README.md.

import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { FORMATS } from "../../src/audit/reconcile/format/index.ts";
import { type ReadExports, readExports } from "../../src/audit/reconcile/read.ts";
import { readRows } from "../../src/audit/reconcile/source.ts";
import { openTimeZone } from "../../src/lib/time-zone.ts";

const FOLDER = join(import.meta.dir, "../fixtures/export");
const DAY = "2026-09-12";
const NONE = { map: null, formats: null, zone: null, ignore: [] };

function read(texts: Record<string, Uint8Array | string>, options: Partial<Parameters<typeof readExports>[1]> = {}) {
  const files = Object.entries(texts).map(([name, text]) => ({ name, bytes: () => new Blob([text]).stream() }));
  return readExports(files, { ...NONE, ...options });
}

async function readFixture(name: string, options = {}): Promise<ReadExports> {
  return read({ [name]: await Bun.file(join(FOLDER, name)).bytes() }, options);
}

/** `day model key: tokens; money`. */
function print({ tally }: ReadExports): string[] {
  return [...tally.sums()].map(({ day, model, key, requests, tokens, money }) => {
    const list = (values: object): string =>
      Object.entries(values)
        .map(([part, value]) => `${part} ${value}`)
        .join(" ");
    return `${day} ${model} ${key?.replace("\n", "/") ?? null} ${requests}: ${list(tokens)}; ${list(money)}`;
  });
}

const EXPECTED: Record<string, string[]> = {
  "anthropic-cost.csv": [
    `${DAY} Claude Sonnet 4.5 apikey_x/gateway null: ; fresh 190000000 cacheWrite 20000000 longCacheWrite 10000000 cacheRead 18710000000 output 30000000`,
  ],
  "anthropic-cost.json": [
    `${DAY} claude-sonnet-4-5-20250929 null null: ; fresh 4500000 cacheWrite 1875000 longCacheWrite 6000000 cacheRead 60000 output 7500000`,
    `${DAY} web_search null null: ; tools 100000000`,
  ],
  "anthropic-usage.csv": [
    `${DAY} claude-sonnet-4-5-20250929 gateway null: fresh 1500 cacheRead 200 cacheWrite 1500 longCacheWrite 1000 output 500; `,
  ],
  "anthropic-usage.json": [
    `${DAY} claude-sonnet-4-5-20250929 apikey_01Rj2N8SVvo6BePZj99NhmiT null: fresh 1500 cacheRead 200 cacheWrite 1500 longCacheWrite 1000 output 500; `,
  ],
  "aws-cost-explorer.csv": [`${DAY} Claude4.5Sonnet null null: ; fresh 4500000 output 7500000`],
  "aws-cost-explorer.json": [`${DAY} Claude4.5Sonnet null null: fresh 1500 output 500; fresh 4500000 output 7500000`],
  "aws-usage-report.csv": [
    `${DAY} Claude4.5Sonnet null null: fresh 1500 cacheRead 200 output 500; fresh 4500000 cacheRead 60000 output 7500000`,
  ],
  "azure-cost.csv": [
    `${DAY} gpt-4o-0806 east-ai null: fresh 1500 cacheRead 200 output 300; fresh 3750000 cacheRead 250000 output 3000000`,
  ],
  "deepseek-amount.csv": [`${DAY} deepseek-chat gateway/sk-b 3: cacheRead 1000 fresh 500 output 200; `],
  "deepseek-cost.csv": [`${DAY} deepseek-chat null null: ; all 252000`],
  "focus-aws.csv": [
    `${DAY} Claude4.5Sonnet null null: fresh 1500 cacheRead 200 output 500; fresh 4500000 cacheRead 60000 output 7500000`,
  ],
  "focus-azure.csv": [`${DAY} gpt-4o-0806 east-ai null: ; fresh 3750000 cacheRead 250000 output 3000000`],
  "focus-google.csv": [
    `${DAY} gemini 2.5 flash my-project null: fresh 1000000 output 500000; fresh 300000000 output 1250000000`,
  ],
  "google-billing.jsonl": [
    `${DAY} gemini 2.5 flash my-project null: fresh 1000000 output 500000; fresh 300000000 output 1250000000`,
  ],
  "google-cost-table.csv": [
    `${DAY} gemini 2.5 pro my-project null: output 2000 cacheRead 1000; output 20000000 cacheRead 312500`,
  ],
  "openai-cost.csv": [
    `${DAY} gpt-4o-2024-08-06 null null: fresh 2584 cacheRead 1024 output 564; fresh 6460000 cacheRead 1280000 output 5640000`,
  ],
  "openai-cost.json": [`${DAY} gpt-4o-2024-08-06 null null: ; fresh 250602500 cacheRead 51200000 output 97560000`],
  "openai-usage.csv": [`${DAY} gpt-4o-2024-08-06 key_a/gateway 3: fresh 2584 cacheRead 1024 output 564; `],
  "openai-usage.json": [
    `${DAY} gpt-4o-2024-08-06 key_3QRCYbJRFQ0example 470: fresh 100241 cacheRead 40960 output 9756; `,
    `${DAY} gpt-4o-mini-2024-07-18 key_3QRCYbJRFQ0example 5: fresh 200 cacheRead 800 output 500; `,
    "2026-09-14 gpt-4o-2024-08-06 key_3QRCYbJRFQ0example 2: fresh 7000 cacheRead 0 output 300; ",
  ],
  "openrouter-activity.csv": [
    `${DAY} openai/gpt-4.1-2025-04-14 gateway 1: fresh 600 cacheRead 400 output 200; all 2100000`,
  ],
  "openrouter-activity.json": [`${DAY} openai/gpt-4.1-2025-04-14 null 5: input 50 output 125; all 15000000`],
  "openrouter-days.csv": [`${DAY} openai/gpt-4.1 null 5: input 50 output 125; all 20000000`],
  "openrouter-generation.json": [`${DAY} openai/gpt-4.1 null 1: fresh 600 cacheRead 400 output 200; all 2100000`],
};

describe("each file", () => {
  test.each(Object.entries(EXPECTED))("%s", async (name, expected) => {
    const found = await readFixture(name);
    expect(print(found)).toEqual(expected);
    expect(found.unknown).toEqual([]);
  });

  test("is there, and no format is without one", async () => {
    const names = readdirSync(FOLDER).filter((name) => !name.endsWith(".md") && name !== "generic.csv");
    expect(names.toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
    const found = await Promise.all(names.map((name) => readFixture(name)));
    const read = new Set(found.flatMap(({ formats }) => formats));
    expect(Object.values(FORMATS).filter((format) => !read.has(format))).toEqual([]);
  });

  test("tells its shape from every other's", async () => {
    for (const name of Object.keys(EXPECTED)) {
      const file = await Bun.file(join(FOLDER, name)).bytes();
      const { formats } = await read({ [name]: file });
      expect({ name, formats: formats.length }).toEqual({ name, formats: 1 });
    }
  });
});

describe("names as they stand on bills", () => {
  const azure = (meter: string, product: string, unit: string): Promise<ReadExports> =>
    read({
      "a.csv": `date,meterName,meterCategory,meterSubCategory,quantity,unitOfMeasure,costInUsd\n${DAY},${meter},Foundry Models,${product},2,${unit},1\n`,
    });
  test.each([
    ["GPT 5 Mini outpt Glbl 1M Tokens", "Azure OpenAI GPT5", "1M", "gpt-5-mini", "output 2000000"],
    ["GPT 5 Mini cchd Inpt Glbl 1M Tokens", "Azure OpenAI GPT5", "1M", "gpt-5-mini", "cacheRead 2000000"],
    ["5.6 sol ShCo Opt Std Gl 1M Tokens", "Azure OpenAI GPT5", "1M", "gpt-5.6-sol", "output 2000000"],
    ["gpt4o mn trscb txt in gl 1215 1M Tokens", "Azure OpenAI Media", "1M", "gpt4o-mn-trscb", "fresh 2000000"],
    ["gpt 4.1 mini cached Inp glbl Tokens", "Azure OpenAI", "1K", "gpt-4.1-mini", "cacheRead 2000"],
    ["4.3 Inp DZone Tokens", "Azure Grok Models", "1K", "grok-4.3", "fresh 2000"],
    ["V4 Pro cached glbl Tokens", "Azure Deepseek Models", "1K", "deepseek-v4-pro", "cacheRead 2000"],
    ["K2.5 Thinking Outp glbl Tokens", "Azure Kimi", "1K", "kimi-k2.5-thinking", "output 2000"],
    ["gpt-oss-120B Inp glbl Tokens", "Azure OpenAI OSS Models", "1K", "gpt-oss-120b", "fresh 2000"],
  ])("of Azure: %s", async (meter, product, unit, model, tokens) => {
    const [part = ""] = tokens.split(" ");
    expect(print(await azure(meter, product, unit))).toEqual([
      `${DAY} ${model} null null: ${tokens}; ${part} 1000000000`,
    ]);
  });

  const openai = (item: string): Promise<ReadExports> =>
    read({
      "a.csv": `start_time,end_time,amount_value,amount_currency,quantity,quantity_unit,line_item\n${DAY},,1,usd,7,tokens,"${item}"\n`,
    });
  test.each([
    ["gpt-5-nano, input_tokens", "gpt-5-nano", "fresh"],
    ["gpt-5.6-sol, cache writes", "gpt-5.6-sol", "cacheWrite"],
    ["gpt-5.6-sol, cached input, long context", "gpt-5.6-sol", "cacheRead"],
    ["priority | gpt-5.6-sol, output, long context", "gpt-5.6-sol", "output"],
    ["flex | gpt-5-mini-2025-08-07, input", "gpt-5-mini-2025-08-07", "fresh"],
    ["gpt-audio-mini-2025-12-15 audio, input", "gpt-audio-mini-2025-12-15", "fresh"],
    ["gpt-image-2.5-sunburst text, cached input", "gpt-image-2.5-sunburst", "cacheRead"],
    ["ft:gpt-4o-2024-08-06:acme::x1, output", "ft:gpt-4o-2024-08-06:acme::x1", "output"],
  ])("of OpenAI: %s", async (item, model, part) => {
    expect(print(await openai(item))).toEqual([`${DAY} ${model} null null: ${part} 7; ${part} 1000000000`]);
  });
  test.each([
    ["web search tool calls", "tools"],
    ["assistants api | file search", "tools"],
    ["assistants api | code interpreter", "tools"],
    ["Vector storage", "all"],
  ])("of OpenAI, no model: %s", async (item, part) => {
    expect(print(await openai(item))).toEqual([`${DAY} ${item} null null: ; ${part} 1000000000`]);
  });

  const google = (sku: string): Promise<ReadExports> =>
    read({
      "a.csv": `Service description,SKU description,Usage start date,Usage amount,Usage unit,Cost ($)\nGemini API,${sku},${DAY},7,count,1\n`,
    });
  test.each([
    ["EmbedContent input token count for gemini-embedding-001", "gemini-embedding-001", "fresh"],
    ["EmbedContent input token count for gemini-embedding-2 text", "gemini-embedding-2", "fresh"],
    ["Generate_content text cached input token count for gemini 2.5 Flash Lite", "gemini 2.5 flash lite", "cacheRead"],
    ["Gemini 2.5 Pro Input Text Caching (Long)", "gemini 2.5 pro", "cacheRead"],
    ["Claude Sonnet 4.5 Cache Write Input Tokens", "claude sonnet 4.5", "cacheWrite"],
  ])("of Google: %s", async (sku, model, part) => {
    expect(print(await google(sku))).toEqual([`${DAY} ${model} null null: ${part} 7; ${part} 1000000000`]);
  });

  test.each(["2026-09-13 03:00:00", "2026-09-13 03:00:00.5 UTC", "2026-09-13T03:00:00Z", "2026-09-13 08:30:00+05:30"])(
    "a moment of Google's is UTC, also where it does not say so: %s",
    async (moment) => {
      const head = "service_description,sku_description,usage_start_time,usage_amount,usage_unit,cost,currency";
      const line = `Gemini API,Gemini 3 Flash Text Input - Predictions,${moment},7,count,1,USD`;
      expect(print(await read({ "a.csv": `${head}\n${line}\n` }))).toEqual([
        `${DAY} gemini 3 flash null null: fresh 7; fresh 1000000000`,
      ]);
    },
  );

  test("a credit of Google's takes nothing off, and its usage counts once", async () => {
    const head = "Service description,SKU description,Credit type,Usage start date,Usage amount,Usage unit,Cost ($)";
    const line = (credit: string, cost: string): string =>
      `Gemini API,Gemini 3 Flash Text Input - Predictions,${credit},${DAY},7,count,${cost}`;
    const text = [head, line("", "1"), line("PROMOTION", "-1")].join("\n");
    expect(print(await read({ "a.csv": `${text}\n` }))).toEqual([
      `${DAY} gemini 3 flash null null: fresh 7; fresh 1000000000`,
    ]);
  });
});

test("what has no format is read by the operator's word", async () => {
  const map = "day=Date,model=Modell,input=Prompt tokens,cache_read=Cached,output=Reply tokens,cost=Betrag USD";
  expect(print(await readFixture("generic.csv", { map }))).toEqual([
    `${DAY} mistral-large-2411 null null: cacheRead 200 output 300 fresh 1000; all 4400000`,
  ]);
});

test("gzip, a byte order mark, and pieces of any size make no difference", async () => {
  const bytes = await Bun.file(join(FOLDER, "openai-usage.json")).bytes();
  expect(print(await read({ "a.json.gz": gzipSync(bytes) }))).toEqual(EXPECTED["openai-usage.json"] ?? []);
  const csv = await Bun.file(join(FOLDER, "openai-cost.csv")).text();
  expect(print(await read({ "a.csv": `\uFEFF${csv}` }))).toEqual(EXPECTED["openai-cost.csv"] ?? []);
  for (const [name, size] of [
    ["openai-usage.json", 1],
    ["openai-cost.csv", 7],
    ["google-billing.jsonl", 13],
  ] as const) {
    const whole = await Bun.file(join(FOLDER, name)).bytes();
    const stream = () =>
      new ReadableStream<Uint8Array>({
        start(controller) {
          for (let at = 0; at < whole.length; at += size) controller.enqueue(whole.slice(at, at + size));
          controller.close();
        },
      });
    const found = await readExports([{ name, bytes: stream }], NONE);
    expect(print(found)).toEqual(EXPECTED[name] ?? []);
  }
});

test("of a list of pages, too, the last one says whether there are more", async () => {
  const page = JSON.parse(await Bun.file(join(FOLDER, "anthropic-usage.json")).text());
  const open = { ...page, has_more: true };
  const readPages = (...pages: object[]) => read({ "a.json": JSON.stringify(pages) });
  expect(await readPages(open, page)).toMatchObject({ cutOff: [], unknown: [] });
  expect((await readPages(page, open)).cutOff.map(({ title }) => title)).toEqual(["Anthropic usage"]);
});

test.each([
  ["le", [0xff, 0xfe]],
  ["be", [0xfe, 0xff]],
])("UTF-16%s is read as what it is", async (order, mark) => {
  for (const name of ["openai-cost.csv", "openai-usage.json"]) {
    const text = Buffer.from(await Bun.file(join(FOLDER, name)).text(), "utf16le");
    const bytes = Buffer.concat([Buffer.from(mark), order === "le" ? text : text.swap16()]);
    expect(print(await read({ [name]: bytes }))).toEqual(EXPECTED[name] ?? []);
  }
});

test("what OpenAI counts in other ways than tokens is left out, wherever it stands among the rest", async () => {
  const head = { start_time: 1789171200, end_time: 1789257600, num_model_requests: 2, model: "m" };
  const lines = [
    { ...head, images: 2, source: "image.generation", size: "1024x1024" },
    { ...head, characters: 400 },
    { ...head, seconds: 60 },
    { ...head, input_tokens: 16, object: "organization.usage.moderations.result" },
    { start_time: 1789171200, end_time: 1789257600, num_sessions: 1 },
    { start_time: 1789171200, end_time: 1789257600, usage_bytes: 1024 },
  ];
  const found = await read({ "a.jsonl": lines.map((line) => JSON.stringify(line)).join("\n") });
  expect(print(found)).toEqual([`${DAY} m null 2: fresh 16 cacheRead 0 output 0; `]);
  expect(found).toMatchObject({ skipped: 5, unknown: [] });
});

test("of hours it is known when the first began and the last ended", async () => {
  const [page] = [JSON.parse(await Bun.file(join(FOLDER, "anthropic-usage.json")).text())];
  const [{ results }] = page.data;
  const hour = (start: number, lines: object[]) => ({
    starting_at: `${DAY}T${start}:00:00Z`,
    ending_at: `${DAY}T${start + 1}:00:00Z`,
    results: lines,
  });
  const found = await read({ "a.json": JSON.stringify({ ...page, data: [hour(15, []), hour(16, results)] }) });
  expect(found).toMatchObject({ since: Date.parse(`${DAY}T15:00:00Z`), until: Date.parse(`${DAY}T17:00:00Z`) });
});

test("of several files it is named which one was not saved completely", async () => {
  const text = await Bun.file(join(FOLDER, "openai-usage.json")).text();
  const files = { "whole.json": text, "half.json": text.slice(0, 500) };
  await expect(read(files)).rejects.toThrow("half.json ends in the middle of its JSON");
});

test("a list of pages, and the name of a page's own list inside a record, are read for what they are", async () => {
  const page = JSON.parse(await Bun.file(join(FOLDER, "anthropic-usage.json")).text());
  expect(print(await read({ "a.json": JSON.stringify([page, page]) }))).toEqual([
    `${DAY} claude-sonnet-4-5-20250929 apikey_01Rj2N8SVvo6BePZj99NhmiT null: fresh 3000 cacheRead 400 cacheWrite 3000 longCacheWrite 2000 output 1000; `,
  ]);
});

test.each(["openrouter-activity.csv", "openrouter-generation.json", "aws-usage-report.csv"])(
  "a line of %s that is in two exports counts once, for it has an id",
  async (name) => {
    const bytes = await Bun.file(join(FOLDER, name)).bytes();
    const found = await read({ [`a-${name}`]: bytes, [`b-${name}`]: bytes });
    expect(print(found)).toEqual(EXPECTED[name] ?? []);
    expect(found).toMatchObject({ repeated: 0, dropped: found.lines });
  },
);

test("also where that one is behind many others", async () => {
  const COUNT = 200_010;
  const head = "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,model_permaslug\n";
  const line = (id: number) => `gen-${id},2026-09-12 08:00:00.000,0.001,7,2,openai/gpt-4o\n`;
  const bytes = Buffer.from(head + Array.from({ length: COUNT }, (_, id) => line(id)).join(""));
  const again = Buffer.from(head + line(0) + line(COUNT - 1));
  expect(await read({ "a.csv": bytes, "b.csv": again })).toMatchObject({ lines: COUNT, dropped: 2, unwatched: 0 });
}, 60_000);

test.each([
  ["1.234;1", '"In" is "1.234", which is no count'],
  ["7;0,005", '"USD" is "0,005", which is no amount of money'],
])("points between thousands and commas before cents are refused: %s", async (line, complaint) => {
  const map = "day=Day,input=In,cost=USD";
  await expect(read({ "a.csv": `Day;In;USD\n${DAY};${line}\n` }, { map })).rejects.toThrow(complaint);
});

test("days begin where the export's zone says", async () => {
  const line = { utc: "2026-09-12T03:00:00Z", local: "2026-09-12T03:00:00", usd: 1 };
  const days = async (column: string, zone: string): Promise<string[]> =>
    print(
      await read({ "a.json": JSON.stringify([line]) }, { map: `day=${column},cost=usd`, zone: openTimeZone(zone) }),
    ).map((text) => text.slice(0, 10));
  expect(await days("utc", "America/Los_Angeles")).toEqual(["2026-09-11"]);
  expect(await days("utc", "Asia/Kathmandu")).toEqual(["2026-09-12"]);
  expect(await days("local", "America/Los_Angeles")).toEqual(["2026-09-12"]);
});

test("of a file without end no more is taken than is read", async () => {
  const sources: [string, string, string][] = [
    ["a.csv", "utc_date,model,wallet_type,cost,currency\n", "20260912,deepseek-chat,Paid,0.000000001,USD\n"],
    [
      "a.json",
      '{"data":[{"date":"2026-09-12","prompt_tokens":1,"usage":1}',
      ',{"date":"2026-09-12","prompt_tokens":1,"usage":1}',
    ],
  ];
  for (const [name, head, line] of sources) {
    let pieces = 0;
    let isFirst = true;
    const bytes = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          pieces++;
          controller.enqueue(Buffer.from((isFirst ? head : "") + line.repeat(1_000)));
          isFirst = false;
        },
      });
    let rows = 0;
    for await (const { cells } of readRows({ name, bytes }, () => true)) {
      rows += Math.min(cells.size, 1);
      if (rows === 50_000) break;
    }
    expect({ name, ahead: pieces - rows / 1_000 < 25 }).toEqual({ name, ahead: true });
  }
});

test.each([
  "2026-09-13 03:00:00+00",
  "2026-09-13 03:00:00 +0000",
  "2026-09-12 20:00:00-07",
  "2026-09-13 3:00 GMT",
  "2026-09-13 05:00:00.123456+02",
])("%s is a moment, whose day is that of the export's zone", async (moment) => {
  const zone = openTimeZone("America/Los_Angeles");
  const found = await read({ "a.csv": `At,In\n${moment},7\n` }, { map: "day=At,input=In", zone });
  expect(print(found)).toEqual([`${DAY} null null null: input 7; `]);
});
