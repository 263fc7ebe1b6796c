// The table of families: a vendor's new endpoint is a line here. Knows no provider.

import { type Json, type JsonObject, type Units, type Usage, isJsonObject, sumInputTokens } from "../../ir/index.ts";
import { askForUsage, endsChoice, hasChoice, isUnasked, readCompletionText, watchChoices } from "./completions.ts";
import type { Finished, Metered, RestCollection, RestEntry, RestFamily, RestMethod } from "./type.ts";
import { meterAny } from "./usage.ts";

const ALL: readonly RestMethod[] = ["DELETE", "GET", "POST"];

const AUDIO = ["speech", "transcriptions", "translations"];
const IMAGES = ["edits", "generations", "variations"];

export const REST = {
  audio: {
    calls: AUDIO.map((name) => ({ path: `/audio/${name}`, endpoint: `audio.${name}` })),
    count: countSeconds,
    countRequest: countCharacters,
    tellsEnd,
  },
  batches: {
    collections: [
      collect("/batches", {
        methods: ["GET", "POST"],
        brings: { error_file_id: "files", output_file_id: "files" },
        free: ["cancel"],
        workers: listWorkers,
        finished: readBatch,
      }),
    ],
  },
  completions: {
    calls: [{ path: "/completions", endpoint: "completions" }],
    readText: readCompletionText,
    textFormat: "openai-completions",
    isAnswer: hasChoice,
    stream: { ask: askForUsage, isUnasked, isEnd: endsChoice, watch: watchChoices },
  },
  containers: { collections: [collect("/containers", { free: ["files"] })] },
  conversations: { collections: [collect("/conversations", { free: "all", lists: false })] },
  files: { collections: [collect("/files", { also: ["/anthropic/v1/files"], free: "all" })] },
  fine_tuning: {
    calls: [
      { path: "/fine_tuning/alpha/graders/run", endpoint: "fine_tuning.graders.run" },
      { path: "/fine_tuning/alpha/graders/validate", endpoint: "fine_tuning.graders.validate" },
    ],
    collections: [
      collect("/fine_tuning/jobs", {
        methods: ["GET", "POST"],
        brings: { result_files: "files" },
        free: ["cancel", "pause"],
        finished: readTraining,
      }),
    ],
  },
  images: {
    calls: IMAGES.map((name) => ({ path: `/images/${name}`, endpoint: `images.${name}` })),
    complete: nameKind,
    count: countImages,
    tellsEnd,
  },
  message_batches: {
    collections: [
      collect("/messages/batches", {
        also: ["/anthropic/v1/messages/batches"],
        links: { results_url: "results" },
        free: ["cancel"],
        workers: listWorkers,
        finished: readMessageBatch,
      }),
    ],
  },
  moderations: { calls: [{ path: "/moderations", endpoint: "moderations" }] },
  rerank: { calls: [{ path: "/rerank", endpoint: "rerank", also: ["/v2/rerank"] }] },
  uploads: {
    collections: [
      collect("/uploads", { methods: ["POST"], lists: false, brings: { "file.id": "files" }, free: "all" }),
    ],
  },
  vector_stores: { collections: [collect("/vector_stores", { free: ["cancel", "update"] })] },
  videos: {
    collections: [
      collect("/videos", { namesModel: true, creates: ["remix"], finished: readVideo }),
      collect("/videos/characters", { lists: false }),
      collect("/videos/edits", { methods: ["POST"], lists: false }),
      collect("/videos/extensions", { methods: ["POST"], lists: false }),
    ],
  },
} as const satisfies Partial<Record<RestFamily, RestEntry>>;

function collect(path: string, over: Partial<RestCollection> = {}): RestCollection {
  return { path, endpoint: path.slice(1).replaceAll("/", "."), methods: ALL, lists: true, ...over };
}

/** Of a batch, its own model or those of its requests; where they stand in a file, nobody sees them. */
function listWorkers({ model, requests }: JsonObject): string[] {
  const list = Array.isArray(requests) ? requests : [];
  const named = list.map((request) =>
    isJsonObject(request) && isJsonObject(request["params"]) ? request["params"]["model"] : undefined,
  );
  return [...new Set([model, ...named].filter((name) => typeof name === "string" && name !== ""))] as string[];
}

const ENDS = ["completed_at", "expired_at", "cancelled_at"];

/**
 * A batch reports the tokens of all its answers when it has ended; those of older servers and of others that imitate it leave that to the
 * results. https://platform.openai.com/docs/api-reference/batch/object
 */
function readBatch(batch: JsonObject): Finished | null {
  const end = ENDS.map((name) => batch[name]).find((time) => typeof time === "number");
  if (typeof end !== "number") return null;
  const atMs = end * 1000;
  const metered = meterAny(batch);
  const { output_file_id: file } = batch;
  const resultsPath = typeof file === "string" && file !== "" ? `/files/${encodeURIComponent(file)}/content` : null;
  if (metered.usage === null || sumInputTokens(metered.usage) + metered.usage.outputTokens === 0) {
    return resultsPath === null ? null : { atMs, metered: null, resultsPath };
  }
  return { atMs, metered, resultsPath: tellsAll(batch, metered.usage) ? null : resultsPath };
}

/** Below it no call can have been so large that it has a price of its own. */
const SMALL_TOKENS = 100_000;

/** Its totals say neither how large each call was nor what was sold in it by the piece. */
function tellsAll({ endpoint }: JsonObject, usage: Usage): boolean {
  return endpoint !== "/v1/responses" && sumInputTokens(usage) <= SMALL_TOKENS;
}

/** Reports nothing itself: https://platform.claude.com/docs/en/api/messages/batches */
function readMessageBatch({ id, ended_at: end, processing_status: status }: JsonObject): Finished | null {
  const atMs = typeof end === "string" ? Date.parse(end) : Number.NaN;
  if (status !== "ended" || typeof id !== "string" || Number.isNaN(atMs)) return null;
  return { atMs, metered: null, resultsPath: `/messages/batches/${encodeURIComponent(id)}/results` };
}

/** Sold by the second: https://platform.openai.com/docs/api-reference/videos/object */
function readVideo(video: JsonObject): Finished | null {
  const { status, completed_at: end, seconds, model } = video;
  const length = Number(seconds);
  if (status !== "completed" || typeof end !== "number" || !(length > 0)) return null;
  return tellUnits(end, model, { video_seconds: length });
}

/** Sold by what was read in training: https://platform.openai.com/docs/api-reference/fine-tuning/object */
function readTraining(job: JsonObject): Finished | null {
  const { finished_at: end, trained_tokens: tokens, model } = job;
  if (typeof end !== "number" || typeof tokens !== "number" || tokens <= 0) return null;
  return tellUnits(end, model, { trained_tokens: tokens });
}

function tellUnits(endSeconds: number, model: Json | undefined, units: Units): Finished {
  const metered = { usage: null, units, model: typeof model === "string" ? model : null, report: null };
  return { atMs: endSeconds * 1000, metered, resultsPath: null };
}

/** A piece of sound, of text or of a picture is followed by the whole: https://platform.openai.com/docs/api-reference/audio/speech-audio-done-event */
function tellsEnd({ type }: JsonObject): boolean | null {
  if (typeof type !== "string") return null;
  if (/\.(?:completed|done)$/u.test(type)) return true;
  return /\.(?:delta|partial_image)$/u.test(type) ? false : null;
}

/** Where neither tokens nor seconds are reported as usage, the length of what was heard stands beside its text. */
function countSeconds({ duration }: JsonObject): Units | null {
  return typeof duration === "number" && duration > 0 ? { audio_seconds: duration } : null;
}

/** Speech is sold by the character and answered by nothing but sound. */
function countCharacters(body: JsonObject): Units | null {
  const { input } = body;
  if (typeof input !== "string") return null;
  let characters = 0;
  // Beyond the first plane a character has two units of the string's length.
  for (let at = 0; at < input.length; at += (input.codePointAt(at) ?? 0) > 0xffff ? 2 : 1) characters++;
  return { characters };
}

/** What is written are the tokens of pictures, unless it is told in parts: https://platform.openai.com/docs/api-reference/images/object */
function nameKind(metered: Metered): Metered {
  const { usage, units, report } = metered;
  if (usage === null || usage.outputTokens === 0 || isJsonObject(report?.["output_tokens_details"])) return metered;
  return { ...metered, units: { ...units, output_image_tokens: usage.outputTokens } };
}

/** Where no tokens are reported, pictures are sold by the piece. */
function countImages(answer: JsonObject): Units | null {
  const { data } = answer;
  return Array.isArray(data) && data.every(isJsonObject) ? { images: data.length } : null;
}
