// What the commands on rate limits share: the book on an opened database, and what a gateway that runs has counted. No server need run; one that does
// takes a change up within a second.

import type { JsonObject } from "../../../ir/index.ts";
import {
  type LimitBook,
  type LimitChange,
  createLimitBook,
  judgeLimits,
  mergeLimits,
  printLimit,
} from "../../../server/index.ts";
import { CliError, EXIT } from "../../error.ts";
import type { PlaceFlags } from "../../flags.ts";
import { byOperator, runWithStore } from "../../open.ts";
import type { Here, Place } from "../../place.ts";
import { type Remote, askAll, segment } from "../../remote/client.ts";
import { isNamed } from "../../remote/target.ts";
import { matchVersion } from "../../remote/match.ts";
import { askGateway } from "../health/gateway.ts";
import { readExpected } from "../version.ts";

/** Limits as they are printed. */
interface LimitDesk {
  set(name: string, fields: Readonly<Record<string, string>>, change: LimitChange): Promise<JsonObject>;
  delete(name: string, change: LimitChange): Promise<void>;
}

export function openBook(place: Place): LimitDesk {
  const { remote } = place;
  if (remote === null) {
    const book = makeBook(place);
    return {
      async set(name, fields, change) {
        const row = await book.set(name, fields, change);
        const standing = mergeLimits(place.config, [row]).find((each) => each.row === row);
        return standing === undefined ? { name, version: row.version } : printLimit(standing);
      },
      delete: book.delete,
    };
  }
  const at = (name: string): string => `/api/v1/admin/limits/${segment(name, "rate limit")}`;
  return {
    async set(name, body, { expected }) {
      const { limit } = await remote.ask<{ limit: JsonObject }>(
        {
          method: "PUT",
          path: at(name),
          body,
          headers: matchVersion(expected),
        },
        "limit",
      );
      const { states: _states, ...printed } = limit;
      return printed;
    },
    delete: (name, { expected }) => remote.ask({ method: "DELETE", path: at(name), headers: matchVersion(expected) }),
  };
}

function makeBook({ config, store, directory }: Here): LimitBook {
  return createLimitBook({
    store: store.limits,
    config: () => config,
    findUser: async (idOrEmail) => (await directory.getUser(idOrEmail)).id,
    findKey: async (id) => (await directory.getKey(id)).id,
    now: Date.now,
  });
}

export const NAME_ARG = { name: { type: "positional", description: "Name of the limit", required: true } } as const;

export function readChange(flags: { "if-version"?: string | undefined }): LimitChange {
  return { expected: readExpected(flags, "list shows them"), by: byOperator() };
}

/** All limits; with what a gateway has counted where one runs, else without. */
export async function listLimits(flags: PlaceFlags): Promise<JsonObject[]> {
  try {
    const gateway: Pick<Remote, "ask"> = { ask: (question) => askGateway(flags, question, "limits") };
    return await askAll<JsonObject>(gateway, { method: "GET", path: "/api/v1/admin/limits" }, "limits");
  } catch (error) {
    // Whoever names a gateway wants to hear of that one.
    if (!(error instanceof CliError) || isNamed(flags)) throw error;
    return runWithStore(flags, async ({ config, store }) =>
      (await judgeLimits(mergeLimits(config, await store.limits.list()), store.identity.listGone)).map((standing) => ({
        ...printLimit(standing),
        states: null,
      })),
    );
  }
}

export function missing(name: string): CliError {
  return new CliError(`There is no rate limit ${JSON.stringify(name)}.`, {
    exitCode: EXIT.notFound,
    hint: 'See "tokligence admin limits list".',
  });
}
