// Changes of rate limits: what may be said of one, and who may be named, is looked at before it is kept. Knows no HTTP and no SQL.

import { readLimit } from "../config/index.ts";
import type { Config } from "../config/value.ts";
import type { LimitFields, LimitRow, LimitStore } from "../gateway/index.ts";
import { GatewayError, invalidRequest, refuseFaults } from "../ir/index.ts";
import type { Origin } from "../lib/change.ts";

/** Failures are GatewayErrors: `invalid_request` (with `param`), `not_found`, `conflict`. */
export interface LimitBook {
  /** The whole of it. */
  set(name: string, fields: LimitFields, change: LimitChange): Promise<LimitRow>;
  delete(name: string, change: LimitChange): Promise<void>;
}

export interface LimitChange {
  /** The version that is to be changed, 0 for none; undefined: whichever there is. */
  expected: number | undefined;
  /** For the record of changes. */
  by: Origin | undefined;
}

interface BookInit {
  store: LimitStore;
  config: () => Pick<Config, "limits">;
  /** Ids of those who are named; each rejects with `not_found`. */
  findUser: (idOrEmail: string) => Promise<string>;
  findKey: (id: string) => Promise<string>;
  now: () => number;
}

const MAX_LIMITS = 10_000;

export function createLimitBook({ store, config, findUser, findKey, now }: BookInit): LimitBook {
  const refuseDeclared = (name: string): void => {
    const declared = config().limits.find(({ limit }) => limit.name === name);
    if (declared === undefined) return;
    throw new GatewayError({
      kind: "conflict",
      code: "limit_declared",
      message: `The rate limit "${name}" is declared in the gateway's configuration (${declared.origin}): change it in its section [limit.${name}] there, and have it read again (a changed file is, at once).`,
    });
  };

  const stale = async (name: string, expected: number): Promise<GatewayError> => {
    const standing = (await store.list()).find((row) => row.name === name);
    const state = standing === undefined ? "There is none now." : `It is in version ${standing.version} now.`;
    const message =
      expected === 0
        ? `There is a rate limit "${name}" already. ${state}`
        : `The rate limit "${name}" was changed meanwhile. ${state} Look at it again, and say which version is to be changed.`;
    return new GatewayError({ kind: "conflict", code: "limit_changed", message });
  };

  return {
    async set(name, fields, { expected, by }) {
      checkLimit(name, fields);
      refuseDeclared(name);
      const { user = "", key = "" } = fields;
      const named = {
        ...fields,
        ...(user === "" ? {} : { user: await findUser(user.trim()).catch(blame("user")) }),
        ...(key === "" ? {} : { key: await findKey(key.trim()).catch(blame("key")) }),
      };
      const all = await store.list();
      if (all.length >= MAX_LIMITS && all.every((row) => row.name !== name)) {
        throw invalidRequest(`There are ${MAX_LIMITS} rate limits already, which is as many as may be.`, "name");
      }
      const row = await store.put({ name, fields: named }, { expected, at: new Date(now()), by });
      if (row === null) throw await stale(name, expected ?? 0);
      return row;
    },
    async delete(name, { expected, by }) {
      refuseDeclared(name);
      if (await store.delete(name, expected, by)) return;
      const isThere = (await store.list()).some((row) => row.name === name);
      if (isThere) throw await stale(name, expected ?? 0);
      // One that is gone already is as good.
      if (!(await store.wasDeleted(name))) throw missingLimit(name);
    },
  };
}

/** What is not there is no limit of this name. */
function blame(param: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof GatewayError) || error.kind !== "not_found") throw error;
    const { kind, code, message } = error;
    throw new GatewayError({ kind, code, message, param, cause: error });
  };
}

/** An empty word, such as of a variable that nobody has set, must not make a limit for everybody of one that was meant for somebody. */
function findBlank(fields: LimitFields): { field: string; message: string }[] {
  const message = "it must not be empty; without it the limit is not narrowed by that";
  return SCOPE.filter((field) => fields[field]?.trim() === "").map((field) => ({ field, message }));
}

const SCOPE = ["key", "model", "provider", "user"];

/** Throws `invalid_request` with all that is wrong with it. */
export function checkLimit(name: string, fields: LimitFields): void {
  const faults = [...readLimit(name, new Map(Object.entries(fields))).faults, ...findBlank(fields)];
  if (faults.length > 0) throw refuseFaults(faults, "invalid_limit");
}

export function missingLimit(name: string): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "limit_not_found",
    message: `There is no rate limit "${name.slice(0, 100)}".`,
  });
}
