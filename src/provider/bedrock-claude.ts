// What Bedrock wants otherwise of a request in Anthropic's own format: the version in the body, and of the many betas only those that it has.
// Knows no other model. https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html

import { type Json, type JsonObject, isJsonObject } from "../ir/index.ts";
import { findClaudeFacts, listRefusedSampling } from "./anthropic.ts";

const VERSION = "bedrock-2023-05-31";

/** Betas that Bedrock takes, by the names that it gives them; it refuses a request with any other. */
const BETAS: ReadonlyMap<string, string> = new Map([
  ["advanced-tool-use-2025-11-20", "tool-search-tool-2025-10-19"],
  ...[
    "compact-2026-01-12",
    "computer-use-2024-10-22",
    "computer-use-2025-01-24",
    "computer-use-2025-11-24",
    "context-1m-2025-08-07",
    "context-management-2025-06-27",
    "dangerous-tool-use-2026-09-03",
    "effort-2025-11-24",
    "fine-grained-tool-streaming-2025-05-14",
    "interleaved-thinking-2025-05-14",
    "mid-conversation-output-config-2026-07-01",
    "mid-conversation-tool-changes-2026-07-01",
    "output-128k-2025-02-19",
    "thinking-binding-controls-2026-08-01",
    "thinking-display-updates-2026-08-18",
    "token-efficient-tools-2025-02-19",
    "tool-examples-2025-10-29",
    "tool-search-tool-2025-10-19",
  ].map((name) => [name, name] as const),
]);

/** Betas that ask for nothing: they name the client, or what has long been there without them. */
const IDLE = /^(?:claude-code|extended-cache-ttl|oauth|pdfs|prompt-caching|structured-outputs|token-counting)-/u;

/** Fields that Bedrock does not know, beside those that stand in the address. */
const REFUSED = ["container", "inference_geo", "mcp_servers", "safeguards", "service_tier", "speed"];

interface ClaudeFields {
  set: JsonObject;
  refused: string[];
  dropped: string[];
  amend(body: JsonObject): { set: JsonObject; dropped: string[] };
}

/** `claude` is the name under which Anthropic lists the model, `betas` what client and operator ask for. */
export function describeClaude(claude: string, betas: readonly string[]): ClaudeFields {
  const taken = new Set<string>();
  const dropped: string[] = [];
  for (const beta of betas) {
    const name = BETAS.get(beta);
    if (name !== undefined) taken.add(name);
    else if (!IDLE.test(beta)) dropped.push(`anthropic-beta: ${beta}`);
  }
  const isOld = findClaudeFacts(claude, null).reasoning !== "effort";
  return {
    set: { anthropic_version: VERSION, ...(taken.size === 0 ? {} : { anthropic_beta: [...taken] }) },
    refused: [
      ...REFUSED,
      ...listRefusedSampling(claude),
      ...(taken.has("context-management-2025-06-27") || taken.has("compact-2026-01-12") ? [] : ["context_management"]),
      ...(isOld && !taken.has("effort-2025-11-24") && !/-4-5/u.test(claude) ? ["output_config"] : []),
    ],
    dropped,
    amend: (body) => amendBlocks(body, taken),
  };
}

const EAGER = "fine-grained-tool-streaming-2025-05-14";

/** Cache marks say no more than their time there, tools that are streamed as they come are a beta, and those found by search another. */
function amendBlocks(body: JsonObject, taken: ReadonlySet<string>): { set: JsonObject; dropped: string[] } {
  const set: JsonObject = {};
  const dropped = new Set<string>();
  for (const field of ["messages", "system", "tools"]) {
    const before = body[field] ?? null;
    const after = amendValue(before, taken, dropped);
    if (after !== before) set[field] = after;
  }
  const tools = Array.isArray(body["tools"]) ? body["tools"].filter(isJsonObject) : [];
  if (tools.some((tool) => tool["eager_input_streaming"] === true))
    set["anthropic_beta"] = [...new Set([...taken, EAGER])];
  return { set, dropped: [...dropped] };
}

/** The value itself where nothing in it must change: a long conversation is walked, not copied. */
function amendValue(value: Json, taken: ReadonlySet<string>, dropped: Set<string>): Json {
  if (Array.isArray(value)) {
    const items = value.map((item) => amendValue(item, taken, dropped));
    return items.some((item, index) => item !== value[index]) ? items : value;
  }
  if (!isJsonObject(value)) return value;
  let amended = value;
  const mark = value["cache_control"];
  if (isJsonObject(mark)) {
    const { type, ttl, ...rest } = mark;
    for (const name of Object.keys(rest)) dropped.add(`cache_control.${name}`);
    if (Object.keys(rest).length > 0) {
      amended = { ...amended, cache_control: { type: type ?? "ephemeral", ...(ttl === undefined ? {} : { ttl }) } };
    }
  }
  if (value["input_schema"] !== undefined) amended = amendTool(amended, taken, dropped);
  const content = value["content"];
  if (!Array.isArray(content)) return amended;
  const inner = amendValue(content, taken, dropped);
  return inner === content ? amended : { ...amended, content: inner };
}

function amendTool(tool: JsonObject, taken: ReadonlySet<string>, dropped: Set<string>): JsonObject {
  const { eager_input_streaming: eager, defer_loading: deferred, ...rest } = tool;
  const keepsDeferred = taken.has("tool-search-tool-2025-10-19");
  if (deferred === true && !keepsDeferred) dropped.add("tools.defer_loading");
  if (eager === undefined && (deferred === undefined || keepsDeferred)) return tool;
  return keepsDeferred && deferred !== undefined ? { ...rest, defer_loading: deferred } : rest;
}

/** The names in a header's value. */
export function splitBetas(value: string | null | undefined): string[] {
  return (value ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
}
