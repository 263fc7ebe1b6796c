// `tokligence admin api-keys list`: a user's keys, or everyone's, those that are revoked among them. Shows no token: none is kept.

import { defineCommand } from "citty";
import { type ApiKey, printKey } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { printJson, printTable, say } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { readInteger, refuseValue } from "../../value.ts";
import { CHOICE_ARGS, readChoice } from "./choice.ts";

export default defineCommand({
  meta: { name: "list", description: "List API keys" },
  args: {
    ...CHOICE_ARGS,
    status: {
      type: "string",
      default: "all",
      description: "all, or open: those that are not revoked",
      valueHint: "WORD",
    },
    limit: { type: "string", description: "A page of so many, up to 1000, instead of all", valueHint: "N" },
    cursor: { type: "string", description: "Go on where the page before ended", valueHint: "CURSOR" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { status, cursor = null } = args;
    const limit = args.limit === undefined ? Infinity : readInteger("limit", args.limit, { least: 1, most: PAGE });
    if (status !== "all" && status !== "open") throw refuseValue("status", "it is all or open");
    const choice = readChoice(args);
    const isOpen = status === "open" ? true : undefined;
    const { items: keys, nextCursor: next } = await runAtPlace(args, ({ directory }) =>
      directory.pageKeys({ ...choice, isOpen }, { limit, cursor }),
    );
    if (args.json === true) return printJson({ api_keys: keys.map(printKey), next_cursor: next });
    const rows = keys.map(printRow);
    printTable(rows, [...COLUMNS, ...RARE.filter((column) => rows.some((row) => row[column].length > 0))]);
    if (next !== null) say(`There are more: --cursor ${next}`);
  },
});

const PAGE = 1_000;

/** What of a key people look for; `show` and --json tell all of it. */
function printRow(key: ApiKey) {
  const { allowedModels, allowedProviders, allowedIps, former, tags, scopes } = key;
  return {
    id: key.id,
    user: key.userId,
    prefix: key.prefix,
    name: key.name,
    expires: key.expiresAt,
    last_used: key.lastUsedAt,
    revoked: key.revokedAt,
    scopes,
    tags,
    models: allowedModels,
    providers: allowedProviders,
    addresses: allowedIps,
    former: former.map(({ prefix, endsAt }) => `${prefix} until ${endsAt.toISOString()}`),
  };
}

const COLUMNS = ["id", "user", "prefix", "name", "expires", "last_used", "revoked", "scopes"] as const;
/** Of which most lists have none. */
const RARE = ["tags", "models", "providers", "addresses", "former"] as const;
