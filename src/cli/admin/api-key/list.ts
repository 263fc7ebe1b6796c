// `tokligence admin api-keys list`: keys that are not revoked, a user's or everyone's. Shows no token: none is kept.

import { defineCommand } from "citty";
import { type ApiKey, printKey } from "../../../identity/index.ts";
import { SHARED_ARGS } from "../../flags.ts";
import { runWithStore } from "../../open.ts";
import { makePlain, print, printJson } from "../../output.ts";

export default defineCommand({
  meta: { name: "list", description: "List API keys" },
  args: {
    user: { type: "string", description: "Id or e-mail of the owner; everyone's where left out", valueHint: "USER" },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    const keys = await runWithStore(args, ({ directory }) => directory.listKeys(args.user ?? null));
    if (args.json === true) return printJson({ api_keys: keys.map(printKey) });
    for (const key of keys) print(printLine(key));
  },
});

/** The fields that scripts have always read, then ours. */
function printLine(key: ApiKey): string {
  const expires = key.expiresAt?.toISOString() ?? "never";
  const line = `${key.id}  user=${key.userId} prefix=${key.prefix} expires=${expires} scopes=[${key.scopes.join(" ")}]`;
  const lastUsed = key.lastUsedAt === null ? "" : ` last_used=${key.lastUsedAt.toISOString()}`;
  return `${line}${lastUsed}${key.name === null ? "" : ` name=${makePlain(key.name)}`}`;
}
