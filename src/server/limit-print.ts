// Rate limits as JSON for people and programs: the same words by HTTP and on the command line. Knows no HTTP.

import type { Figure, Limit } from "../gateway/index.ts";
import type { JsonObject } from "../ir/index.ts";
import type { StandingLimit } from "./limit-table.ts";

/** A limit, where it comes from, and whether it is in force. */
export function printLimit({ name, source, origin, limit, obstacle, row }: StandingLimit): JsonObject {
  return {
    name,
    ...(limit === null ? { fields: { ...row?.fields } } : printWords(limit)),
    source,
    origin,
    in_force: obstacle === null,
    ...(obstacle === null ? {} : { why_not: obstacle }),
    version: row?.version ?? null,
    created_at: row?.createdAt.toISOString() ?? null,
    updated_at: row?.updatedAt.toISOString() ?? null,
  };
}

function printWords({ requests, tokens, slots, per, key, user, model, provider }: Limit): JsonObject {
  return {
    requests_per_minute: requests,
    tokens_per_minute: tokens,
    concurrent: slots,
    per: [...per],
    key,
    user,
    model,
    provider,
  };
}

const NAMES = { requests: "requests", slots: "concurrent", tokens: "tokens" } as const;

/** What is used of it, and when it begins anew; one for each subject that has used anything, where each has it for itself. */
export function printStates(limit: Limit, figures: readonly Figure[]): JsonObject[] {
  const subjects = limit.per.length === 0 ? [""] : [...new Set(figures.map(({ subject }) => subject))].toSorted();
  return subjects.map((subject) => {
    const own = figures.filter((figure) => figure.subject === subject);
    const words = subject.split(" ");
    return {
      ...Object.fromEntries(limit.per.map((each, index) => [each, words[index] ?? ""])),
      ...printState(limit, own),
    };
  });
}

function printState(limit: Limit, figures: readonly Figure[]): JsonObject {
  const state: JsonObject = {};
  for (const unit of ["requests", "tokens", "slots"] as const) {
    const most = limit[unit];
    if (most === null) continue;
    const figure = figures.find((each) => each.unit === unit);
    const used = figure?.used ?? 0;
    const endsMs = figure?.endsMs ?? null;
    state[NAMES[unit]] = {
      limit: most,
      used,
      remaining: Math.max(0, most - used),
      ...(unit === "slots" ? {} : { resets_at: endsMs === null ? null : new Date(endsMs).toISOString() }),
    };
  }
  return state;
}
