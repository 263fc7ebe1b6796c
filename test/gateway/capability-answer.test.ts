// The capability matrix against recorded answers: wherever one uses a feature, what becomes of it for the clients of another format is what
// the matrix says.

import { describe, expect, test } from "bun:test";
import { isDeepStrictEqual } from "node:util";
import { ANSWER_PROBES } from "../../src/gateway/capability-answer.ts";
import { type Capability, SURFACES, probeCapabilities } from "../../src/gateway/index.ts";
import { GatewayError, type Request, type Response, isJsonObject } from "../../src/ir/index.ts";
import { type SampleProvider, listSampleProviders } from "../../src/provider/sample.ts";
import { type ChatWire, TARGETS, type TargetWire } from "../../src/wire/index.ts";
import { listRecordings, readRecording } from "../fixture.ts";

interface Recorded {
  name: string;
  answer: Response;
}

/** By the end of the path: recordings were taken under many roots. */
const ENDS: readonly [end: RegExp, wire: string][] = [
  [/\/chat\/completions$/u, "openai-chat"],
  [/\/responses$/u, "openai-responses"],
  [/\/messages$/u, "anthropic-messages"],
  [/:generateContent$/u, "gemini"],
  [/\/converse$/u, "bedrock-converse"],
  [/\/v2\/chat$/u, "cohere-chat"],
];

/** Where the answer alone was recorded. */
const PATHS: Readonly<Record<string, string>> = { bedrock: "/converse", cohere: "/v2/chat" };

function readAnswers(target: ChatWire | TargetWire): Recorded[] {
  return listRecordings().flatMap(({ file, surface }) =>
    readRecording(file).flatMap(({ request, response }, index) => {
      const path = request === null ? (PATHS[surface] ?? "") : new URL(request.url, "http://recorded.test").pathname;
      const isIts = ENDS.some(([end, wire]) => wire === target.id && end.test(path));
      const isWhole = (response.headers["content-type"] ?? "").includes("json");
      if (!isIts || !isWhole || response.status !== 200) return [];
      const answer = decode(target, response.body);
      return answer === null ? [] : [{ name: `${file} ${index + 1}`, answer }];
    }),
  );
}

/** Null for what came with status 200 and is no answer. */
function decode(target: ChatWire | TargetWire, text: string): Response | null {
  try {
    const body: unknown = JSON.parse(text);
    return isJsonObject(body) ? target.response.decode(body) : null;
  } catch (error) {
    if (error instanceof GatewayError || error instanceof SyntaxError) return null;
    throw error;
  }
}

const SAMPLES = listSampleProviders();

/** A provider that is asked in this format for clients of that one. */
function findSample(target: ChatWire | TargetWire, client: ChatWire): SampleProvider | undefined {
  return SAMPLES.find(({ provider, model }) => {
    const spoken = provider.speaks(model);
    return !spoken.includes(client.id) && spoken.find((id) => TARGETS.has(id)) === target.id;
  });
}

const PAIRS = [...TARGETS.values()].flatMap((target) =>
  SURFACES.flatMap((client) => {
    const sample = findSample(target, client);
    return sample === undefined ? [] : [{ name: `${target.id} → ${client.id}`, target, client, sample }];
  }),
);

test("answers of every format have been recorded", () => {
  for (const target of TARGETS.values()) {
    expect([target.id, readAnswers(target).length > 0]).toEqual([target.id, true]);
  }
});

describe.each(PAIRS)("$name", ({ target, client, sample }) => {
  const cells = [...probeCapabilities([sample], ({ surface }) => surface === client.id)].flat();
  const request: Request = { model: sample.model, messages: [], tools: [], stream: false, extra: {} };

  test("does with recorded answers what the matrix says", () => {
    for (const { name, answer } of readAnswers(target)) {
      const context = { request, callId: "00000000-0000-7000-8000-000000000000", nowSeconds: 1 };
      const given = { ...answer, id: answer.id || "id", model: answer.model || sample.model };
      const seen = client.response.decode(client.response.encode(given, context));
      const wrong = ANSWER_PROBES.flatMap(({ feature, read }) => {
        const value = read(given);
        const cell = cells.find((each) => each.feature === feature);
        return value === undefined || cell === undefined ? [] : judge(cell, value, read(seen));
      });
      expect([name, ...wrong]).toEqual([name]);
    }
  });
});

function judge({ feature, outcome }: Capability, given: unknown, seen: unknown): string[] {
  const isSame = isDeepStrictEqual(clean(given), clean(seen));
  switch (outcome) {
    case "absent":
      return [`${feature} is there, although the provider's format cannot say it`];
    case "dropped":
      return isSame ? [`${feature} was not left out`] : [];
    case "kept":
      return isSame ? [] : [`${feature} was not kept`];
    case "mapped":
      return seen === undefined ? [`${feature} was lost`] : [];
    case "refused":
      return [];
    default:
      return outcome satisfies never;
  }
}

function clean(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value) ?? "null");
}
