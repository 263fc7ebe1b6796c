// What a route's conditions and strategies ask of one request: found out when they do, and once. Knows no route.

import type { JsonObject } from "../ir/index.ts";
import { countLikely } from "./bound.ts";
import type { Call } from "./call.ts";
import { readTags } from "./tag.ts";
import type { StickBy } from "./rule.ts";
import type { RequestFacts } from "./way/condition.ts";

/** Of a call, what it takes. */
export type FactCall = Pick<Call, "headers" | "startedWallMs"> & {
  caller: Pick<Call["caller"], "email" | "keyId" | "tags" | "userId">;
};

export function openFacts(
  call: FactCall,
  { endpoint, isStream, body }: Pick<RequestFacts, "body" | "endpoint" | "isStream">,
): RequestFacts {
  const { caller, headers } = call;
  let tokens: number | null = null;
  return {
    endpoint,
    isStream,
    body,
    header: (name) => headers.get(name),
    userId: caller.userId,
    email: caller.email,
    keyId: caller.keyId,
    tags: () => readTags(call) ?? [],
    tokens: () => (tokens ??= countLikely(body)),
    atMs: call.startedWallMs,
  };
}

/** What is to find the same target again. */
export function findHold(stickBy: StickBy, facts: RequestFacts): string {
  switch (stickBy) {
    case "key":
      return facts.keyId;
    case "prompt":
      return findPrefix(facts.body) ?? facts.keyId;
    case "user":
      return facts.userId;
    default:
      return stickBy satisfies never;
  }
}

/** Where requests say what stays the same from turn to turn, in any format. */
const STANDING = ["system", "systemInstruction", "system_instruction", "instructions", "tools"];
const TURNS = ["messages", "contents", "input"];
/** A provider's own name for what it keeps of a prompt. */
const NAMED = ["prompt_cache_key", "cachedContent"];

/**
 * What all turns of one conversation begin with, as a provider's cache goes by it: what is said of caching itself is left out, for it moves
 * from turn to turn. Null where nothing is said.
 */
function findPrefix(body: JsonObject): string | null {
  for (const name of NAMED) {
    const value = body[name];
    if (typeof value === "string" && value !== "") return value;
  }
  const standing = STANDING.flatMap((name) => body[name] ?? []);
  const turns = TURNS.map((name) => body[name]).find((value) => value !== undefined);
  const first = Array.isArray(turns) ? turns.slice(0, 1 + turns.findIndex(isAsked)) : (turns ?? null);
  if (standing.length === 0 && first === null) return null;
  return String(Bun.hash(JSON.stringify([standing, first], dropMarks)));
}

/** The first of these that is no instruction. */
function isAsked(turn: unknown): boolean {
  const role = typeof turn === "object" && turn !== null && "role" in turn ? turn.role : null;
  return role !== "system" && role !== "developer";
}

/** What a client tells its provider of itself in the place of a header: it may differ from call to call. */
const HEADER_LINE = /^x-[\w-]+-header:/iu;

function dropMarks(name: string, value: unknown): unknown {
  if (name === "cache_control" || name === "cachePoint") return undefined;
  return typeof value === "string" && HEADER_LINE.test(value) ? null : value;
}
