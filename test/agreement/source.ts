// The recordings, each with the reader that its provider's own SDK gives and with the model that leads to a provider of that format. Recorded
// Bedrock answers get back the binary frames that some recordings left out.

import {
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandOutput,
  ConverseStreamCommand,
  type ConverseStreamOutput,
  InvokeModelWithResponseStreamCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { Readable } from "node:stream";
import { type Interaction, type RecordingRow, listRecordings, readRecording } from "../fixture.ts";
import { converse } from "../provider/bedrock-rig.ts";
import { readConverseLines } from "../wire/target.ts";
import { readCohere, readCohereStream } from "./cohere.ts";
import { type Reading, readError } from "./reading.ts";
import { type Question, type SurfaceId, ask } from "./surface.ts";

export interface RecordedAnswer {
  name: string;
  status: number;
  contentType: string;
  bytes: Uint8Array;
  stream: boolean;
  /** Leads to a provider that speaks the recording's format. */
  model: string;
  /** The surfaces from which that provider is asked in this format; all where missing. */
  surfaces?: readonly SurfaceId[];
  /** What the provider's own SDK makes of it. */
  readDirectly(): Promise<Reading>;
}

/** The surface of a recording, whose SDK reads its own provider too. */
const OWN: Readonly<Record<string, { surface: SurfaceId; model: string }>> = {
  anthropic: { surface: "anthropic-messages", model: "claude-sonnet-5-5" },
  chat: { surface: "openai-chat", model: "local/any" },
  gemini: { surface: "gemini", model: "google/gemini-3-pro-preview" },
  responses: { surface: "openai-responses", model: "gpt-5-codex" },
  "vertex-anthropic": { surface: "anthropic-messages", model: "claude-sonnet-5-5" },
};

const NOVA = "bedrock/us.amazon.nova-pro-v1:0";
const CLAUDE = "bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const EVENT_STREAM = "application/vnd.amazon.eventstream";

/** Every recorded answer to a question; a count of tokens is none. */
export function listAnswers(): RecordedAnswer[] {
  return listRecordings().flatMap((row) =>
    readRecording(row.file).flatMap((interaction, index) => {
      if (interaction.request?.url.endsWith(":countTokens") === true) return [];
      const made = makeAnswer(row, interaction, `${row.file} ${index + 1}`);
      return made === null ? [] : [made];
    }),
  );
}

function makeAnswer(row: RecordingRow, interaction: Interaction, name: string): RecordedAnswer | null {
  const { status, body, headers, bytes } = interaction.response;
  if (row.surface === "bedrock") return makeBedrock(interaction, name);
  if (row.surface === "cohere") return makeCohere(interaction, name);
  const own = OWN[nameSurface(row, interaction)];
  if (own === undefined) return null;
  const contentType = headers["content-type"] ?? "application/json";
  const stream = contentType.includes("event-stream") || /^(?:event|data):/m.test(body);
  const { surface, model } = own;
  const fetch = (): Response => new Response(Buffer.from(bytes), { status, headers: { "content-type": contentType } });
  const readDirectly = (): Promise<Reading> => ask(surface, { fetch, key: "sk-direct", model, stream });
  return { name, status, contentType, bytes, stream, model, readDirectly };
}

function makeCohere({ response }: Interaction, name: string): RecordedAnswer {
  const { status, bytes } = response;
  const contentType = response.headers["content-type"] ?? "application/json";
  const stream = contentType.includes("event-stream");
  const answer = { status, contentType, bytes };
  const read = stream ? readCohereStream : readCohere;
  const readDirectly = (): Promise<Reading> => read(answer).catch(readError);
  return { name, ...answer, stream, model: "cohere/command-a-03-2025", readDirectly };
}

/** One file holds the traffic of two providers. */
function nameSurface(row: RecordingRow, { request }: Interaction): string {
  if (row.surface !== "gemini,responses") return row.surface;
  return request?.url.endsWith("/responses") === true ? "responses" : "gemini";
}

function makeBedrock({ request, response }: Interaction, name: string): RecordedAnswer {
  const lines = response.headers["content-type"] === "application/x-ndjson";
  const url = request?.url ?? (lines ? "/converse-stream" : "/converse");
  const bytes = lines ? converse(...readConverseLines(response.body).map(toEvent)) : response.bytes;
  const stream = url.endsWith("stream");
  const contentType = stream && response.status === 200 ? EVENT_STREAM : "application/json";
  const answer = { status: response.status, contentType, bytes };
  const isInvoke = url.includes("/invoke");
  const read = isInvoke ? readInvoked : stream ? readConverseStream : readConverse;
  const route = isInvoke ? ({ model: CLAUDE, surfaces: ["anthropic-messages"] } as const) : { model: NOVA };
  return { name, ...answer, stream, ...route, readDirectly: () => read(answer).catch(readFailure) };
}

function toEvent({ event, data }: ReturnType<typeof readConverseLines>[number]): Parameters<typeof converse>[0] {
  return [event ?? "", JSON.parse(data ?? "{}")];
}

type Raw = Pick<RecordedAnswer, "status" | "contentType" | "bytes">;

/** Amazon's client with this one answer on its line. */
function connect({ status, contentType, bytes }: Raw): BedrockRuntimeClient {
  return new BedrockRuntimeClient({
    region: "us-east-1",
    credentials: { accessKeyId: "AKIAEXAMPLE", secretAccessKey: "example" },
    maxAttempts: 1,
    requestHandler: {
      handle: async () => ({
        response: {
          statusCode: status,
          headers: { "content-type": contentType },
          body: Readable.from([Buffer.from(bytes)]),
        },
      }),
    },
  });
}

const MESSAGES = [{ role: "user" as const, content: [{ text: "Hello" }] }];

async function readConverse(raw: Raw): Promise<Reading> {
  const { output, stopReason, usage } = await connect(raw).send(
    new ConverseCommand({ modelId: "any", messages: MESSAGES }),
  );
  const content = output?.message?.content ?? [];
  return {
    text: content.map(({ text }) => text ?? "").join(""),
    calls: content.flatMap(({ toolUse }) =>
      toolUse === undefined ? [] : [{ name: toolUse.name ?? "", input: toolUse.input as unknown }],
    ),
    ...readEnd(stopReason, usage),
  };
}

async function readConverseStream(raw: Raw): Promise<Reading> {
  const { stream } = await connect(raw).send(new ConverseStreamCommand({ modelId: "any", messages: MESSAGES }));
  const events = await Array.fromAsync(stream ?? []);
  const calls = new Map<number, { name: string; text: string }>();
  let text = "";
  let stopReason: string | undefined;
  let usage: ConverseCommandOutput["usage"];
  for (const event of events as ConverseStreamOutput[]) {
    const started = event.contentBlockStart?.start?.toolUse;
    if (started !== undefined) {
      calls.set(event.contentBlockStart?.contentBlockIndex ?? 0, { name: started.name ?? "", text: "" });
    }
    const delta = event.contentBlockDelta?.delta;
    text += delta?.text ?? "";
    const call = calls.get(event.contentBlockDelta?.contentBlockIndex ?? -1);
    if (call !== undefined) call.text += delta?.toolUse?.input ?? "";
    stopReason = event.messageStop?.stopReason ?? stopReason;
    usage = event.metadata?.usage ?? usage;
  }
  return {
    text,
    calls: [...calls.values()].map((call) => ({
      name: call.name,
      input: JSON.parse(call.text === "" ? "{}" : call.text) as unknown,
    })),
    ...readEnd(stopReason, usage),
  };
}

function readEnd(stopReason: string | undefined, usage: ConverseCommandOutput["usage"]) {
  return {
    stop: CONVERSE_STOPS[stopReason ?? ""] ?? "other",
    // Amazon keeps what was read from and written to a cache apart.
    input: (usage?.inputTokens ?? 0) + (usage?.cacheReadInputTokens ?? 0) + (usage?.cacheWriteInputTokens ?? 0),
    output: usage?.outputTokens ?? -1,
    error: null,
  } as const;
}

const CONVERSE_STOPS: Readonly<Record<string, Reading["stop"]>> = {
  content_filtered: "filter",
  end_turn: "stop",
  guardrail_intervened: "filter",
  max_tokens: "length",
  stop_sequence: "stop",
  tool_use: "tool-calls",
};

/** Anthropic's own events inside of Amazon's frames, read by Anthropic's SDK. */
async function readInvoked(raw: Raw): Promise<Reading> {
  const command = new InvokeModelWithResponseStreamCommand({ modelId: "any", body: "{}" });
  const { body } = await connect(raw).send(command);
  let text = "";
  for await (const { chunk } of body ?? []) {
    const data = new TextDecoder().decode(chunk?.bytes);
    text += `event: ${(JSON.parse(data) as { type: string }).type}\ndata: ${data}\n\n`;
  }
  const fetch = (): Response => new Response(text, { headers: { "content-type": "text/event-stream" } });
  const question: Question = { fetch, key: "sk-direct", model: "claude-sonnet-5-5", stream: true };
  return ask("anthropic-messages", question);
}

function readFailure(error: unknown): Reading {
  const metadata = typeof error === "object" && error !== null && "$metadata" in error ? error.$metadata : null;
  const status =
    typeof metadata === "object" && metadata !== null && "httpStatusCode" in metadata ? metadata.httpStatusCode : null;
  return readError({ status });
}
