// Probes of answers: one small canonical answer a feature, whole and as a stream. Knows no format.

import {
  type AnswerPart,
  type Choice,
  type Event,
  NO_USAGE,
  type Request,
  type Response,
  type Usage,
} from "../ir/index.ts";
import type { WireId } from "../wire/index.ts";
import { SEALED, readJson, uncover } from "./capability-probe.ts";

export interface AnswerProbe {
  feature: string;
  /** What it is, in a few words. */
  about: string;
  /** The answer, given by a provider that is asked in the format `source`. */
  answer(source: WireId): { choices: Choice[]; usage?: Usage };
  /** What of the feature is in an answer, to be compared; undefined where it is not there. */
  read(response: Response): unknown;
  /** What the request must have had for it. */
  request?: Partial<Request>;
}

const USAGE: Usage = { ...NO_USAGE, freshInputTokens: 11, outputTokens: 7 };

/** An answer as every format can give it. */
export function makeAnswer(model: string, { choices, usage }: { choices: Choice[]; usage?: Usage }): Response {
  return { id: "probe-answer", model, createdAt: 1_700_000_000, choices, usage: usage ?? USAGE, extra: {} };
}

function one(parts: AnswerPart[], rest: Partial<Choice> = {}): { choices: Choice[] } {
  return { choices: [{ index: 0, parts, finish: "stop", ...rest }] };
}

const TEXT: AnswerPart = { type: "text", text: "Probed, as asked." };
const CALL: AnswerPart = { type: "tool-call", id: "call_probe0001", name: "probe_tool", arguments: '{"key":"a"}' };

const PLAIN_ANSWER = one([TEXT]);

function listParts(response: Response): AnswerPart[] {
  return response.choices.flatMap((choice) => choice.parts);
}

function some<T>(found: readonly T[]): readonly T[] | undefined {
  return found.length === 0 ? undefined : found;
}

function readThoughts(select: (part: Extract<AnswerPart, { type: "reasoning" }>) => unknown) {
  return (response: Response): unknown =>
    some(
      listParts(response).flatMap((part) => {
        const value = part.type === "reasoning" ? select(part) : undefined;
        return value === undefined || value === "" ? [] : [value];
      }),
    );
}

function probeFinish(feature: string, about: string, rest: Partial<Choice>): AnswerProbe {
  return {
    feature,
    about,
    answer: () => one([TEXT], rest),
    read: (response) =>
      some(response.choices.flatMap(({ finish }) => (finish === "stop" || finish === "tool-calls" ? [] : [finish]))),
  };
}

function probeUsage(feature: string, about: string, name: keyof Usage): AnswerProbe {
  return {
    feature,
    about,
    answer: () => ({ ...PLAIN_ANSWER, usage: { ...USAGE, [name]: 5 } }),
    read: ({ usage }) => usage?.[name] || undefined,
  };
}

export const ANSWER_PROBES: readonly AnswerProbe[] = [
  {
    feature: "answer-text",
    about: "text",
    answer: () => PLAIN_ANSWER,
    read: (response) =>
      listParts(response)
        .map((part) => (part.type === "text" ? part.text : ""))
        .join("") || undefined,
  },
  {
    feature: "answer-call",
    about: "calls of tools, side by side",
    answer: () => one([CALL, { ...CALL, id: "call_probe0002", arguments: '{"key":"b"}' }], { finish: "tool-calls" }),
    read: (response) =>
      some(
        listParts(response).flatMap((part) =>
          part.type === "tool-call" ? [[part.name, readJson(part.arguments)]] : [],
        ),
      ),
  },
  {
    feature: "answer-thought",
    about: "reasoning",
    answer: () => one([{ type: "reasoning", text: "probe thought" }, TEXT]),
    read: readThoughts(({ text }) => text),
  },
  {
    feature: "answer-signature",
    about: "reasoning that is signed",
    answer: (origin) => one([{ type: "reasoning", text: "probe thought", signature: SEALED, origin }, TEXT]),
    read: readThoughts(({ signature }) => uncover(signature)),
  },
  {
    feature: "answer-sealed",
    about: "reasoning that is sealed",
    answer: (origin) => one([{ type: "reasoning", text: "", encrypted: SEALED, origin }, TEXT]),
    read: readThoughts(({ encrypted }) => uncover(encrypted)),
  },
  {
    feature: "answer-citations",
    about: "citations",
    answer: () =>
      one([
        {
          type: "text",
          text: "Probed.",
          citations: [{ url: "https://probe.test/", title: "Probe", start: 0, end: 7 }],
        },
      ]),
    read: (response) =>
      some(
        listParts(response).flatMap((part) =>
          part.type === "text" ? (part.citations ?? []).map(({ url, title }) => [url, title]) : [],
        ),
      ),
  },
  {
    feature: "answer-logprobs",
    about: "probabilities of tokens",
    answer: () =>
      one([
        { type: "text", text: "Yes", logprobs: [{ token: "Yes", logprob: -0.25, bytes: [89, 101, 115], top: [] }] },
      ]),
    request: { logprobs: true },
    read: (response) =>
      some(
        listParts(response).flatMap((part) =>
          part.type === "text" ? (part.logprobs ?? []).map(({ token, logprob }) => [token, logprob]) : [],
        ),
      ),
  },
  {
    feature: "answer-refusal",
    about: "refusals",
    answer: () => one([], { refusal: "I will not probe that.", finish: "refusal" }),
    read: (response) => some(response.choices.flatMap(({ refusal }) => refusal ?? [])),
  },
  {
    feature: "answer-several",
    about: "several answers",
    answer: () => ({ choices: [0, 1].map((index) => ({ index, parts: [TEXT], finish: "stop" })) }),
    request: { choices: 2 },
    read: ({ choices }) => (choices.length > 1 ? choices.length : undefined),
  },
  probeFinish("finish-length", "an end by the limit of tokens", { finish: "length" }),
  probeFinish("finish-filter", "an end by a content filter", { finish: "content-filter" }),
  {
    feature: "finish-stop-sequence",
    about: "which stop sequence ended it",
    answer: () => one([TEXT], { stopSequence: "PROBE" }),
    request: { stop: ["PROBE"] },
    read: (response) => some(response.choices.flatMap(({ stopSequence }) => stopSequence ?? [])),
  },
  probeUsage("usage-output", "tokens of output", "outputTokens"),
  probeUsage("usage-cache-read", "tokens read from the cache", "cacheReadTokens"),
  probeUsage("usage-cache-write", "tokens written to the cache", "cacheWriteTokens"),
  probeUsage("usage-reasoning", "tokens of reasoning", "reasoningTokens"),
];

/** The answer as the events of a stream. */
export function toEvents({ id, model, createdAt, choices, usage, extra }: Response): Event[] {
  const events: Event[] = [{ type: "start", id, model, createdAt, extra }];
  for (const { index: choice, parts, refusal, finish, stopSequence } of choices) {
    events.push(...parts.flatMap((part, number) => toPartEvents(part, { choice, part: number })));
    if (refusal !== undefined) {
      const place = { choice, part: parts.length };
      events.push({ type: "part-start", ...place, kind: "refusal" });
      events.push({ type: "part-delta", ...place, text: refusal }, { type: "part-end", ...place });
    }
    events.push({ type: "choice-end", choice, finish, ...(stopSequence === undefined ? {} : { stopSequence }) });
  }
  if (usage !== null) events.push({ type: "usage", usage });
  return [...events, { type: "finish" }];
}

function toPartEvents(part: AnswerPart, place: { choice: number; part: number }): Event[] {
  const end: Event = { type: "part-end", ...place };
  switch (part.type) {
    case "media":
      return [{ type: "part-start", ...place, kind: { media: part } }, end];
    case "tool-call": {
      const { id, name, arguments: text } = part;
      return [
        { type: "part-start", ...place, kind: { toolCall: { id, name } } },
        { type: "part-delta", ...place, text },
        end,
      ];
    }
    case "reasoning":
    case "text": {
      const { type, ...said } = part;
      return [{ type: "part-start", ...place, kind: type }, { type: "part-delta", ...place, ...said }, end];
    }
    default:
      return part satisfies never;
  }
}
