// Adds up what the results of a batch say of their cost, line by line, where the batch itself says nothing. Knows no family.

import { GatewayError, type JsonObject, joinUnits, joinUsage, sumInputTokens } from "../../ir/index.ts";
import { readCapped } from "../../lib/capped-text.ts";
import { type Metered, meterResult, nameMarks } from "../../wire/index.ts";
import { collectHeaders } from "../header.ts";
import { openLine, parseObject, send } from "../send.ts";
import { authorize } from "./authorize.ts";
import type { RestState } from "./state.ts";
import { addressOf } from "./target.ts";

/** What is needed of whoever asks. */
type Reading = Pick<RestState, "deadlines" | "plan" | "scene" | "tools"> & {
  call: Pick<RestState["call"], "caller" | "headers">;
};

/** The object itself, as the provider has it now. Rejects where it cannot be had. */
export function readKept(state: Reading, path: string): Promise<JsonObject> {
  return readBehind(state, path, async (body, progressed) => {
    const text = await readCapped(new Response(body), state.scene.maxAnswerBytes, progressed);
    const object = parseObject(text ?? "");
    if (object === null) throw new Error("It answered with something that is no object.");
    return object;
  });
}

/** Of each model a sum, by its name, and one apart of what is priced apart. Rejects where the results cannot be had, or not to their end. */
export function sumResults(state: Reading, path: string): Promise<Map<string, Metered>> {
  return readBehind(state, path, async (body, progressed) => {
    const sums = new Map<string, Metered>();
    for await (const text of readLines(body, progressed)) add(sums, text);
    return sums;
  });
}

/** Said of what is there no more, or by servers that never show it: asked again, they would say the same. */
const GONE = [404, 405, 410, 501];

/** What lies there, asked for by us. */
async function readBehind<T>(
  { call, tools, plan, deadlines }: Reading,
  path: string,
  read: (body: ReadableStream<Uint8Array>, progressed: () => void) => Promise<T>,
): Promise<T> {
  const { provider } = plan;
  const url = addressOf(provider, path, "");
  // The client may be gone long before this is over.
  const line = openLine(new AbortController().signal, tools.clock);
  try {
    const headers = await authorize(provider, {
      method: "GET",
      url,
      headers: collectHeaders(call, { provider, isForward: true }, {}),
      body: null,
    });
    const ask = { provider: provider.name, method: "GET", url, body: undefined, headers, line };
    const upstream = await send({ ...ask, deadlines, fetch: tools.fetch });
    if (upstream.ok && upstream.body !== null) return await read(upstream.body, () => line.arm(deadlines.idle));
    const kind = GONE.includes(upstream.status) ? "not_found" : "upstream_unavailable";
    throw new GatewayError({ kind, message: `It answered with status ${upstream.status}.` });
  } finally {
    line.release(true);
  }
}

function add(sums: Map<string, Metered>, text: string): void {
  const result = parseObject(text);
  const metered = result === null ? null : meterResult(result);
  if (metered === null || metered.usage === null) return;
  const { model } = metered;
  const ownTokens = sumInputTokens(metered.usage);
  const marks = nameMarks(metered.usage.units);
  const name = marks === "" ? `${model}` : `${model} ${marks}`;
  const before = sums.get(name);
  // Words of one answer are not those of all.
  if (before === undefined || before.usage === null)
    sums.set(name, { ...metered, report: null, sizeTokens: ownTokens });
  else {
    sums.set(name, {
      model,
      usage: joinUsage(before.usage, metered.usage),
      units: joinUnits(before.units, metered.units),
      report: null,
      sizeTokens: Math.max(before.sizeTokens ?? 0, ownTokens),
    });
  }
}

/** A result may hold pictures; one that is longer is none. */
const MAX_LINE_LENGTH = 64 * 1024 * 1024;

function tooLong(): GatewayError {
  const message = `A line of the file holds more than ${MAX_LINE_LENGTH} characters, and is not looked at. Send what it holds as files, and name them.`;
  return new GatewayError({ kind: "too_large", message });
}

export async function* readLines(body: AsyncIterable<Uint8Array>, progressed: () => void): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  /** Of the line that has not ended; joined once, as a long one comes in very many. */
  let pieces: string[] = [];
  let length = 0;
  for await (const chunk of body) {
    progressed();
    const [first = "", ...lines] = decoder.decode(chunk, { stream: true }).split("\n");
    pieces.push(first);
    length += first.length;
    if (length > MAX_LINE_LENGTH) throw tooLong();
    const last = lines.pop();
    if (last === undefined) continue;
    yield pieces.join("");
    yield* lines;
    pieces = [last];
    length = last.length;
  }
  yield pieces.join("") + decoder.decode();
}
