// Made-up requests and answers for the laws: what every chat format can say, with each format's limits as data. Knows no codec.

import fc, { type Arbitrary } from "fast-check";
import type {
  AnswerPart,
  CacheMark,
  Choice,
  Citation,
  Message,
  Part,
  Request,
  Response,
  TextPart,
  Tool,
  Usage,
} from "../../src/ir/index.ts";
import type { ModelFacts } from "../../src/wire/type.ts";

/** What a format can say beyond what all can. */
interface Dialect {
  /** A request always names its output limit. */
  demandsLimit: boolean;
  /** Several results share one message, or each has its own. */
  groupsResults: boolean;
  /** Sampling beyond temperature, top_p and stop. */
  samplesMore: boolean;
  /** Reasoning that the model showed goes back with the next request. */
  returnsReasoning: boolean;
  /** How a request for reasoning is spelled. */
  reasoning: Request["reasoning"] & object;
  /** Name of a JSON schema; null where the format has none. */
  schemaName: string | null;
  maxChoices: number;
  finishes: Choice["finish"][];
  namesStopSequence: boolean;
  stampsAnswers: boolean;
  /** The format that signed reasoning names as its maker, where it names one. */
  origin?: string;
  /** Parts and tools can carry cache marks. */
  marksCache?: true;
  /** A citation with all that the format says of one. */
  citation?: Citation;
  /** Answers can tell the probabilities of their tokens. */
  givesLogprobs?: true;
  /** Fields of a request that the format has no word for. */
  lacks?: readonly (keyof Request)[];
  /** The least output limit that it takes. */
  minOutputTokens?: number;
  /** What a function says that is not strict. */
  unstrict?: false;
  /** Why an answer ended well is told by what it is made of. */
  infersFinish?: true;
  /** Reasoning is always counted. */
  countsReasoning?: true;
  /** Tokens written to a cache are not counted apart. */
  hidesCacheWrites?: true;
  /** No function can be strict. */
  lacksStrict?: true;
  /** The texts of an answer are pieces of one. */
  joinsAnswers?: true;
  /** Media always name their type. */
  typesMedia?: true;
}

/** The chat formats that clients speak. */
export type ChatId = "anthropic-messages" | "gemini" | "openai-chat" | "openai-responses";

export const DIALECTS: Record<ChatId, Dialect> = {
  "anthropic-messages": {
    demandsLimit: true,
    groupsResults: true,
    samplesMore: false,
    returnsReasoning: true,
    reasoning: { effort: "high", adaptive: true },
    schemaName: null,
    maxChoices: 1,
    finishes: ["stop", "length", "tool-calls", "refusal"],
    namesStopSequence: true,
    stampsAnswers: false,
    origin: "anthropic-messages",
    marksCache: true,
    citation: { url: "https://a.test", title: "A", quote: "so it is" },
  },
  gemini: {
    demandsLimit: false,
    groupsResults: true,
    samplesMore: true,
    returnsReasoning: true,
    reasoning: { effort: "high", summary: "auto" },
    schemaName: null,
    maxChoices: 3,
    finishes: ["stop", "length", "content-filter"],
    namesStopSequence: false,
    stampsAnswers: true,
    origin: "gemini",
    citation: { url: "https://a.test", title: "A", quote: "so it is" },
    lacks: ["parallelToolCalls", "user"],
    infersFinish: true,
    hidesCacheWrites: true,
    lacksStrict: true,
    joinsAnswers: true,
    typesMedia: true,
  },
  "openai-chat": {
    demandsLimit: false,
    groupsResults: false,
    samplesMore: true,
    returnsReasoning: false,
    reasoning: { effort: "high" },
    schemaName: "answer",
    maxChoices: 3,
    finishes: ["stop", "length", "tool-calls", "content-filter"],
    namesStopSequence: false,
    stampsAnswers: true,
    origin: "gemini",
    marksCache: true,
    citation: { url: "https://a.test", title: "A", start: 0, end: 1 },
    givesLogprobs: true,
  },
  "openai-responses": {
    demandsLimit: false,
    groupsResults: false,
    samplesMore: false,
    returnsReasoning: false,
    reasoning: { effort: "high", summary: "auto" },
    schemaName: "answer",
    maxChoices: 1,
    finishes: ["stop", "length", "tool-calls", "content-filter"],
    namesStopSequence: false,
    stampsAnswers: true,
    origin: "anthropic-messages",
    citation: { url: "https://a.test", title: "A", start: 0, end: 1 },
    givesLogprobs: true,
    lacks: ["stop", "topK"],
    minOutputTokens: 16,
    unstrict: false,
    infersFinish: true,
    countsReasoning: true,
  },
};

export const FACTS: ModelFacts = {
  defaultMaxOutputTokens: 4096,
  maxOutputTokens: null,
  reasoning: "effort",
  takesCacheMarks: true,
};

/** Text that says something: any characters, white space inside and around included. */
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 40 }).filter((value) => value.trim() !== "");
const word = fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/);
const toolName = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_-]{0,11}$/);
const json = fc.dictionary(word, fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null)), { maxKeys: 3 });
const count = fc.integer({ min: 0, max: 1_000_000 });

const textPart: Arbitrary<Part> = text.map((value) => ({ type: "text", text: value }));
const imagePart: Arbitrary<Part> = fc.constantFrom(
  { type: "media", kind: "image", source: { url: "https://example.test/a.png" }, mediaType: null } as const,
  { type: "media", kind: "image", source: { base64: "iVBORw0KGgo=" }, mediaType: "image/png" } as const,
);
function images({ typesMedia }: Dialect): Arbitrary<Part> {
  return imagePart.map((part) => (typesMedia === true ? ({ ...part, mediaType: "image/png" } as Part) : part));
}

const marks: Arbitrary<{ cache?: CacheMark }> = fc.constantFrom({}, { cache: { ttl: null } }, { cache: { ttl: "1h" } });

function markable(dialect: Dialect): Arbitrary<{ cache?: CacheMark }> {
  return dialect.marksCache === true ? marks : fc.constant({});
}

function reasoningPart({ origin }: Dialect): Arbitrary<Part & AnswerPart> {
  const made = origin === undefined ? {} : { origin };
  return fc.tuple(text, word).map(([value, signature]) => ({ type: "reasoning", text: value, signature, ...made }));
}

/** Optional fields are left out, never undefined. */
function some<T extends object>(model: { [K in keyof T]: Arbitrary<T[K]> }): Arbitrary<Partial<T>> {
  return fc.record(model, { requiredKeys: [] }) as Arbitrary<Partial<T>>;
}

interface Exchange {
  question: Part[];
  thoughts: Part[];
  answer: Part[];
  calls: { name: string; arguments: string; result: string }[];
}

function exchange(dialect: Dialect): Arbitrary<Exchange> {
  return fc.record({
    question: fc
      .tuple(fc.array(fc.oneof(textPart, images(dialect)), { maxLength: 2 }), textPart, markable(dialect))
      .map(([parts, last, mark]) => [...parts, { ...last, ...mark }]),
    thoughts: fc.array(reasoningPart(dialect), { maxLength: dialect.returnsReasoning ? 1 : 0 }),
    answer: fc.array(textPart, { minLength: 1, maxLength: dialect.joinsAnswers === true ? 1 : 2 }),
    calls: fc.array(
      fc.record({ name: toolName, arguments: json.map((value) => JSON.stringify(value)), result: text }),
      {
        maxLength: 3,
      },
    ),
  });
}

function layOut(exchanges: Exchange[], dialect: Dialect): Message[] {
  return exchanges.flatMap(({ question, thoughts, answer, calls }, round) => {
    const id = (index: number): string => `call_${round}_${index}`;
    const results = calls.map((call, index): Part => {
      return { type: "tool-result", callId: id(index), content: [{ type: "text", text: call.result }], isError: false };
    });
    const messages: Message[] = [
      { role: "user", parts: question },
      {
        role: "assistant",
        parts: [
          ...thoughts,
          ...answer,
          ...calls.map((call, index): Part => ({
            type: "tool-call",
            id: id(index),
            name: call.name,
            arguments: call.arguments,
          })),
        ],
      },
    ];
    if (dialect.groupsResults && results.length > 0) messages.push({ role: "tool", parts: results });
    if (!dialect.groupsResults) messages.push(...results.map((part): Message => ({ role: "tool", parts: [part] })));
    return messages;
  });
}

function plainTool({ unstrict, lacksStrict }: Dialect): Arbitrary<Tool> {
  return fc.record({
    name: toolName,
    description: fc.option(text),
    parameters: json.map((properties) => ({
      type: "object",
      properties,
      required: Object.keys(properties),
      additionalProperties: false,
    })),
    strict: lacksStrict === true ? fc.constant(null) : fc.constantFrom(true, unstrict ?? null),
  });
}

function withoutLacking<T extends Partial<Request>>(fields: T, { lacks = [] }: Dialect): T {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !lacks.some((field) => field === name))) as T;
}

const LAST_TOOL = "last-tool";

/** A request in the form that a format reads its own in: one system message, questions and answers in turn, results where it puts them. */
export function requests(dialect: Dialect): Arbitrary<Request> {
  // One mark among the tools and one a question: more than four in all are too many for Anthropic.
  const lastTool = fc.tuple(plainTool(dialect), markable(dialect)).map(([plain, mark]) => ({ ...plain, ...mark }));
  const toolFields: Arbitrary<Pick<Request, "tools"> & Partial<Request>> = fc.record({
    tools: fc
      .tuple(fc.array(plainTool(dialect), { maxLength: 2 }), lastTool)
      .map(([tools, last]) => [...tools, { ...last, name: LAST_TOOL }]),
    toolChoice: fc.constantFrom(
      { type: "auto" } as const,
      { type: "required" } as const,
      { type: "tool", name: LAST_TOOL } as const,
    ),
    parallelToolCalls: fc.boolean(),
  });
  const formatFields = fc.constant({
    responseFormat: {
      type: "json-schema" as const,
      name: dialect.schemaName,
      description: null,
      schema: { type: "object", properties: {}, additionalProperties: false },
      // Formats that name schemas also say whether an answer is held to them.
      strict: dialect.schemaName === null ? null : true,
    },
  });
  const fields = some<Request>({
    maxOutputTokens: fc.integer({ min: dialect.minOutputTokens ?? 1, max: 100_000 }),
    stop: fc.array(text, { minLength: 1, maxLength: 4 }),
    user: word,
  } as { [K in keyof Request]: Arbitrary<Request[K]> });
  const sampling = fc.constantFrom<Partial<Request>>(
    {},
    { temperature: 0.25 },
    { topP: 0.5 },
    { reasoning: dialect.reasoning },
    dialect.samplesMore ? { seed: 7, frequencyPenalty: 0.5, presencePenalty: -1, choices: 2 } : { topK: 7 },
  );
  return fc
    .record({
      model: word,
      system: fc.array(textPart, { maxLength: 2 }),
      exchanges: fc.array(exchange(dialect), { maxLength: 3 }),
      last: fc.array(textPart, { minLength: 1, maxLength: 2 }),
      stream: fc.boolean(),
      toolFields: fc.oneof(fc.constant({ tools: [] as Tool[] }), toolFields),
      formatFields: fc.oneof(fc.constant({}), formatFields),
      fields,
      sampling,
    })
    .map(({ model, system, exchanges, last, stream, toolFields: tools, formatFields: format, ...rest }) => ({
      model,
      messages: [
        ...(system.length > 0 ? [{ role: "system", parts: system } as const] : []),
        ...layOut(exchanges, dialect),
        { role: "user", parts: last },
      ],
      stream,
      extra: {},
      ...(dialect.demandsLimit ? { maxOutputTokens: 5000 } : {}),
      ...withoutLacking(tools, dialect),
      ...format,
      ...withoutLacking(rest.fields, dialect),
      ...withoutLacking(rest.sampling, dialect),
      // A forced tool and reasoning exclude each other in some formats.
      ...("toolChoice" in tools && "reasoning" in rest.sampling ? { toolChoice: { type: "auto" } as const } : {}),
    }));
}

function usageOf({ countsReasoning, hidesCacheWrites }: Dialect): Arbitrary<Usage> {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  return fc
    .record({
      freshInputTokens: count,
      cacheReadTokens: count,
      cacheWriteTokens: hidesCacheWrites === true ? fc.constant(0) : count,
      outputTokens: count,
      reasoningShare: countsReasoning === true ? share : fc.option(share),
    })
    .map(({ reasoningShare, ...counts }) => ({
      ...counts,
      reasoningTokens: reasoningShare === null ? null : Math.floor(counts.outputTokens * reasoningShare),
    }));
}

/** A good end as the format tells it. */
function finishOf(finish: Choice["finish"], calls: number, { infersFinish }: Dialect): Choice["finish"] {
  if (infersFinish !== true || (finish !== "stop" && finish !== "tool-calls")) return finish;
  return calls > 0 ? "tool-calls" : "stop";
}

function answerText({ citation, givesLogprobs }: Dialect): Arbitrary<TextPart> {
  const logprobs = [{ token: "a", logprob: -0.5, bytes: [97], top: [{ token: "a", logprob: -0.5, bytes: null }] }];
  return fc.tuple(text, fc.boolean()).map(([value, isRich]) => ({
    type: "text",
    text: value,
    ...(isRich && citation !== undefined ? { citations: [citation] } : {}),
    ...(isRich && givesLogprobs === true ? { logprobs } : {}),
  }));
}

function choice(dialect: Dialect, index: number): Arbitrary<Choice> {
  const call: Arbitrary<AnswerPart> = fc.record({
    type: fc.constant("tool-call"),
    id: word,
    name: word,
    arguments: json.map((value) => JSON.stringify(value)),
  });
  return fc
    .record({
      thoughts: fc.array(reasoningPart(dialect), { maxLength: 1 }),
      words: fc.array(answerText(dialect), { maxLength: 1 }),
      calls: fc.uniqueArray(call, { maxLength: 3, selector: (value) => (value.type === "tool-call" ? value.id : "") }),
      finish: fc.constantFrom(...dialect.finishes),
      stopSequence: fc.option(text),
    })
    .map(({ finish, ...rest }) => ({
      ...rest,
      // An answer that calls a tool and just stops is one that calls a tool.
      finish: finish === "stop" && rest.calls.length > 0 ? ("tool-calls" as const) : finish,
    }))
    .map(({ thoughts, words, calls, finish, stopSequence }) => ({
      index,
      parts: [...thoughts, ...words, ...calls],
      finish: finishOf(finish, calls.length, dialect),
      ...(dialect.namesStopSequence && finish === "stop" && stopSequence !== null ? { stopSequence } : {}),
    }));
}

/** An answer that a format can give: reasoning, text and calls in this order, which every format keeps. */
export function responses(dialect: Dialect): Arbitrary<Response> {
  return fc
    .record({
      id: word,
      model: word,
      createdAt: dialect.stampsAnswers ? fc.integer({ min: 1, max: 2_000_000_000 }) : fc.constant(null),
      choiceCount: fc.integer({ min: 1, max: dialect.maxChoices }),
      usage: usageOf(dialect),
    })
    .chain(({ choiceCount, ...rest }) =>
      fc
        .tuple(...Array.from({ length: choiceCount }, (_, index) => choice(dialect, index)))
        .map((choices) => ({ ...rest, choices, extra: {} })),
    );
}

/** A value without any `extra`: what all formats can read of it. */
export function stripExtra<T>(value: T): T {
  return JSON.parse(JSON.stringify(value, (key, inner: unknown) => (key === "extra" ? undefined : inner)));
}
