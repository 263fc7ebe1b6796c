// What the commands on rate limits share: the book on an opened database, and what a gateway that runs has counted. No server need run; one that does
// takes a change up within a second.

import type { JsonObject } from "../../../ir/index.ts";
import { type LimitBook, type LimitChange, createLimitBook, mergeLimits, printLimit } from "../../../server/index.ts";
import { CliError, EXIT } from "../../error.ts";
import type { ConfigFlags } from "../../flags.ts";
import { type Opened, byOperator, runWithStore } from "../../open.ts";
import { refuseValue } from "../../value.ts";
import { askGateway } from "../health/gateway.ts";

export function openBook({ config, store, directory }: Opened): LimitBook {
  return createLimitBook({
    store: store.limits,
    config: () => config,
    findUser: async (idOrEmail) => (await directory.getUser(idOrEmail)).id,
    findKey: async (id) => (await directory.getKey(id)).id,
    now: Date.now,
  });
}

export const NAME_ARG = { name: { type: "positional", description: "Name of the limit", required: true } } as const;

export const VERSION_ARG = {
  "if-version": {
    type: "string",
    description: "Only where it is in this version; 0: only where there is none",
    valueHint: "VERSION",
  },
} as const;

export function readChange(flags: { "if-version"?: string | undefined }): LimitChange {
  const expected = flags["if-version"];
  return { expected: expected === undefined ? undefined : readVersion(expected), by: byOperator() };
}

function readVersion(text: string): number {
  if (/^\d{1,9}$/u.test(text)) return Number(text);
  throw refuseValue("if-version", `${JSON.stringify(text)} is no version: list shows them`);
}

/** All limits; with what a gateway has counted where one runs, else without. */
export async function listLimits(flags: ConfigFlags & { url?: string | undefined }): Promise<JsonObject[]> {
  try {
    const answer = await askGateway<{ limits: JsonObject[] }>(flags, { method: "GET", path: "/api/v1/admin/limits" });
    return answer.limits;
  } catch (error) {
    // Whoever names a gateway wants to hear of that one.
    if (!(error instanceof CliError) || flags.url !== undefined) throw error;
    return runWithStore(flags, async ({ config, store }) =>
      mergeLimits(config, await store.limits.list()).map((standing) => ({ ...printLimit(standing), states: null })),
    );
  }
}

export function missing(name: string): CliError {
  return new CliError(`There is no rate limit ${JSON.stringify(name)}.`, {
    exitCode: EXIT.notFound,
    hint: 'See "tokligence admin limits list".',
  });
}
