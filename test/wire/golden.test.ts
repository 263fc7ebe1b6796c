// Every translation between two chat formats as files that a reader can judge: test/golden/<from>--<to>/<case>.txt holds the input and the
// output of one case. A change of translation shows in their diff; UPDATE_GOLDEN=1 writes the outputs anew.
//
// First line: `request`, `response`, `stream` or `error`, then settings as `name=value`, values without blanks. A request goes from the client's format to the
// provider's; the other three go from the provider's to the client's. Formats that only providers speak have requests on the one side and
// the rest on the other.

import { describe, expect, test } from "bun:test";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { GatewayError, type JsonObject, toGatewayError } from "../../src/ir/index.ts";
import { TARGETS, WIRES } from "../../src/wire/index.ts";
import type { ChatWire, ClientContext, ModelFacts, ModelFamily, TargetWire } from "../../src/wire/type.ts";
import { decodeStream, encodeStream } from "./replay.ts";

const ROOT = join(import.meta.dir, "..", "golden");
const SEPARATOR = "\n----------\n";
const IS_UPDATE = process.env["UPDATE_GOLDEN"] === "1";

const CHAT_WIRES = new Map<string, ChatWire>(
  Object.values(WIRES).flatMap((wire) => (wire.operation === "chat" ? [[wire.id, wire] as const] : [])),
);
const PAIRS = [...CHAT_WIRES.keys()].flatMap((from) =>
  [...CHAT_WIRES.keys()].filter((to) => to !== from).map((to) => ({ from, to, folder: `${from}--${to}` })),
);

const TARGETS_ONLY = [...TARGETS.keys()].filter((id) => !CHAT_WIRES.has(id));
const HALF_PAIRS = [...CHAT_WIRES.keys()].flatMap((client) =>
  TARGETS_ONLY.flatMap((target) => [
    { from: client as string, to: target as string, folder: `${client}--${target}`, kinds: ["request"] },
    {
      from: target as string,
      to: client as string,
      folder: `${target}--${client}`,
      kinds: ["error", "response", "stream"],
    },
  ]),
);

type Settings = ReadonlyMap<string, string>;

test("the folders are those of the pairs of chat wires, and each shows every kind of translation", () => {
  const pairs = [
    ...PAIRS.map((pair) => ({ ...pair, kinds: ["error", "request", "response", "stream"] })),
    ...HALF_PAIRS,
  ];
  expect(readdirSync(ROOT).sort()).toEqual(pairs.map(({ folder }) => folder).sort());
  for (const { folder, kinds } of pairs) {
    const shown = listCases(folder).map(({ text }) => text.slice(0, text.search(/\s/)));
    expect([...new Set(shown)].sort()).toEqual(kinds);
  }
});

describe.each([...PAIRS, ...HALF_PAIRS])("$folder", ({ folder, from, to }) => {
  test.each(listCases(folder))("$name", ({ path, text }) => {
    const [input = "", expected = ""] = text.split(SEPARATOR);
    const output = translate(input, from, to);
    if (IS_UPDATE) writeFileSync(path, `${input}${SEPARATOR}${output}`);
    else expect(output).toBe(expected);
  });
});

function listCases(folder: string): { name: string; path: string; text: string }[] {
  const names = readdirSync(join(ROOT, folder)).sort();
  return names.map((name) => {
    const path = join(ROOT, folder, name);
    return { name, path, text: readFileSync(path, "utf8") };
  });
}

function clientOf(id: string): ChatWire {
  const wire = CHAT_WIRES.get(id);
  if (wire === undefined) throw new Error(`no chat wire is called ${id}`);
  return wire;
}

function targetOf(id: string): TargetWire {
  const wire = [...TARGETS.values()].find((target) => target.id === id);
  if (wire === undefined) throw new Error(`no target is called ${id}`);
  return wire;
}

/** The output of a case, with one line end at its end. */
function translate(input: string, from: string, to: string): string {
  const end = input.indexOf("\n");
  const [kind = "", ...pairs] = input.slice(0, end).split(" ");
  const settings: Settings = new Map(pairs.map((pair) => pair.split("=", 2) as [string, string]));
  const body = input.slice(end + 1);
  switch (kind) {
    case "request":
      return translateRequest(body, settings, clientOf(from), targetOf(to));
    case "response":
      return print(clientOf(to).response.encode(targetOf(from).response.decode(parse(body)), makeClient(settings, to)));
    case "stream":
      return `${encodeStream(clientOf(to), decodeStream(targetOf(from), [`${body}\n\n`]), makeClient(settings, to)).trimEnd()}\n`;
    case "error":
      return translateError(body, settings, targetOf(from), clientOf(to));
    default:
      throw new Error(`${kind} is no kind of translation`);
  }
}

function translateRequest(body: string, settings: Settings, from: ChatWire, to: TargetWire): string {
  const family = settings.get("family");
  const facts: ModelFacts = {
    defaultMaxOutputTokens: 4096,
    maxOutputTokens: settings.has("limit") ? Number(settings.get("limit")) : null,
    reasoning: readReasoning(settings.get("reasoning")),
    ...(family === undefined ? {} : { family: family as ModelFamily }),
    ...(settings.get("schema") === "refused" ? { keepsSchema: false } : {}),
    ...parse(settings.get("facts") ?? "{}"),
  };
  try {
    from.peek(parse(body));
    const { body: translated, dropped } = to.request.encode(from.request.decode(parse(body)), facts);
    return `${print(translated)}dropped: ${dropped.join(", ") || "nothing"}\n`;
  } catch (error) {
    const { kind, status, param, message } = toGatewayError(error);
    if (kind !== "invalid_request") throw error;
    return `${status} ${kind} at ${param ?? "nothing"}: ${message}\n`;
  }
}

function readReasoning(value: string | undefined): ModelFacts["reasoning"] {
  if (value === undefined || value === "none") return "none";
  if (value === "budget" || value === "effort") return value;
  throw new Error(`${value} is no way to reason`);
}

/** The upstream's error as the gateway passes it on. */
function translateError(body: string, settings: Settings, from: TargetWire, to: ChatWire): string {
  const upstream = from.error.decode(Number(settings.get("status")), parseOrText(body));
  const error = new GatewayError({ kind: "upstream_rejected", message: upstream.message, upstream });
  return `HTTP ${error.status}\n${print(to.error.encode(error, "req_gateway"))}`;
}

/** `client` is what the client's own request said, in its format, as JSON without blanks. */
function makeClient(settings: Settings, to: string): ClientContext {
  const usage = settings.get("usage") === "shown" ? { stream_options: { include_usage: true } } : {};
  const asked = parse(settings.get("client") ?? "{}");
  const { tools } = clientOf(to).request.decode({ model: "any", max_tokens: 1, messages: [], ...asked });
  return {
    request: { model: "any", messages: [], tools, stream: true, extra: { "openai-chat": usage } },
    callId: "0196a5c0-0000-7000-8000-000000000000",
    nowSeconds: 1_700_000_000,
  };
}

function parse(text: string): JsonObject {
  return JSON.parse(text);
}

function parseOrText(text: string): JsonObject | string {
  try {
    return parse(text);
  } catch {
    return text;
  }
}

function print(value: JsonObject): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
