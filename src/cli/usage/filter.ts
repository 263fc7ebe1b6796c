// Which rows of the books are meant: the flags that all these commands share, and the filter that they make.

import type { LedgerFilter } from "../../ledger/index.ts";
import { findNearest } from "../../lib/nearest.ts";
import { isOwnerId } from "../../lib/owner-id.ts";
import { findZone, UTC, type Zone } from "../../lib/zone.ts";
import { ENDPOINTS, isEndpoint } from "../../server/index.ts";
import { CliError, EXIT } from "../error.ts";
import { PLACE_ARGS, TOKEN_TOO } from "../flags.ts";
import { say } from "../output.ts";
import type { Place } from "../place.ts";
import { splitKey } from "../remote/target.ts";
import { readList, readMomentOrAge, refuseValue } from "../value.ts";

export const FILTER_ARGS = {
  ...PLACE_ARGS,
  from: { type: "string", description: "No earlier than this moment, or this long ago (24h, 7d)", valueHint: "WHEN" },
  to: { type: "string", description: "Before this moment, or this long ago", valueHint: "WHEN" },
  model: { type: "string", description: "Model, as asked for or as served", valueHint: "MODEL" },
  provider: { type: "string", description: "Provider that answered", valueHint: "NAME" },
  key: {
    type: "string",
    description: `Id of an API key, or the beginning of its token; ${TOKEN_TOO}`,
    valueHint: "KEY",
  },
  user: { type: "string", description: "Id or e-mail of a user, or all", valueHint: "USER" },
  status: { type: "string", description: "HTTP status such as 429, or a class such as 5xx", valueHint: "STATUS" },
  endpoint: {
    type: "string",
    description: "Endpoint, such as chat.completions, responses or messages",
    valueHint: "NAME",
  },
  tag: {
    type: "string",
    description: "Tag such as team=a; several, separated by commas, must all be there",
    valueHint: "TAG",
  },
  direction: { type: "string", description: "consume (bought) or supply (sold)", valueHint: "WAY" },
  tz: { type: "string", description: "Time zone of what has none said, such as Europe/Berlin", valueHint: "ZONE" },
} as const;

type FilterFlags = Partial<Record<keyof typeof FILTER_ARGS, unknown>>;

/** Without flags, all rows. */
export async function readFilter(flags: FilterFlags, place: Place): Promise<LedgerFilter> {
  const now = Date.now();
  const given = (name: keyof typeof FILTER_ARGS): string | undefined => {
    const value = flags[name];
    return typeof value === "string" ? value : undefined;
  };
  const filter: LedgerFilter = {};
  const zone = readZone(flags);
  for (const name of ["from", "to"] as const) {
    const text = given(name);
    if (text !== undefined) filter[name] = readMomentOrAge(name, text, now, zone);
  }
  if (filter.from !== undefined && filter.to !== undefined && filter.from >= filter.to)
    throw refuseValue("from", "it must be before --to");
  for (const name of ["model", "provider", "endpoint"] as const) {
    const text = given(name);
    if (text === "") throw refuseValue(name, "it must not be empty");
    if (text !== undefined) filter[name] = text;
  }
  if (filter.endpoint !== undefined) sayEndpoint(filter.endpoint);
  const { named: key } = splitKey({ url: given("url"), key: given("key") });
  const [user, status] = [given("user"), given("status")];
  if (key !== undefined) filter.apiKeyId = await findKey(key, place);
  if (user !== undefined && user !== "all") filter.userId = await findUser(user, place);
  if (status !== undefined) filter.status = readStatus(status);
  const tag = given("tag");
  const tags = readList(tag ?? "");
  if (tag !== undefined && tags.length === 0) throw refuseValue("tag", "it must not be empty");
  if (tags.length > 0) filter.tags = [...new Set(tags)];
  const direction = given("direction");
  if (direction !== undefined) filter.direction = readDirection(direction);
  return filter;
}

/** UTC unless it is said. */
export function readZone(flags: FilterFlags): Zone {
  if (typeof flags.tz !== "string") return UTC;
  const zone = findZone(flags.tz);
  if (zone !== null) return zone;
  throw refuseValue("tz", `${JSON.stringify(flags.tz)} is no time zone of the IANA database, such as Europe/Berlin`);
}

/** Not refused: what was imported has whatever name it came with. */
function sayEndpoint(name: string): void {
  if (isEndpoint(name)) return;
  const [near] = findNearest(name, ENDPOINTS, 1);
  const remedy = near === undefined ? `its own are ${ENDPOINTS.join(", ")}` : `did you mean ${near}?`;
  say(`note: ${JSON.stringify(name)} is no endpoint of the gateway, and only imported rows can have it; ${remedy}`);
}

function readDirection(text: string): "consume" | "supply" {
  if (text === "consume" || text === "supply") return text;
  throw refuseValue("direction", `${JSON.stringify(text)} is neither consume nor supply`);
}

/** An id is taken as it is: the books also hold what keys and users did that are gone. */
async function findKey(text: string, { directory }: Pick<Place, "directory">): Promise<string> {
  if (isOwnerId(text)) return text.toLowerCase();
  const keys = await directory.listKeys(null);
  const [only, ...more] = keys.filter(
    ({ prefix }) => text !== "" && (prefix.startsWith(text) || text.startsWith(prefix)),
  );
  if (only !== undefined && more.length === 0) return only.id;
  const message = only === undefined ? "No API key begins like that." : "More than one API key begins like that.";
  throw new CliError(message, {
    exitCode: only === undefined ? EXIT.notFound : EXIT.usage,
    hint: "tokligence admin api-keys list shows the ids; those of revoked keys work too.",
  });
}

async function findUser(text: string, { directory }: Pick<Place, "directory">): Promise<string> {
  return isOwnerId(text) ? text.toLowerCase() : (await directory.getUser(text)).id;
}

/** A class is its first digit. */
function readStatus(text: string): number {
  if (/^[1-5]xx$/iu.test(text)) return Number(text[0]);
  if (/^[1-5]\d\d$/u.test(text)) return Number(text);
  throw refuseValue("status", `${JSON.stringify(text)} is neither an HTTP status such as 429 nor a class such as 5xx`);
}
