// `tokligence admin api-keys list`: a user's keys, or everyone's, those that are revoked among them. Shows no token: none is kept.

import { defineCommand } from "citty";
import { type ApiKey, printKey } from "../../../identity/index.ts";
import { PLACE_ARGS } from "../../flags.ts";
import { makePlain, print, printJson } from "../../output.ts";
import { runAtPlace } from "../../place.ts";
import { refuseValue } from "../../value.ts";
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
    ...PLACE_ARGS,
  },
  async run({ args }) {
    const { status } = args;
    if (status !== "all" && status !== "open") throw refuseValue("status", "it is all or open");
    const choice = readChoice(args);
    const isOpen = status === "open" ? true : undefined;
    const keys = await runAtPlace(args, ({ directory }) =>
      directory.findKeys({ ...choice, isOpen }, { after: null, limit: Infinity }),
    );
    if (args.json === true) return printJson({ api_keys: keys.map(printKey) });
    for (const key of keys) print(printLine(key));
  },
});

/** The fields that scripts have always read, then ours. */
function printLine(key: ApiKey): string {
  const expires = key.expiresAt?.toISOString() ?? "never";
  const more = {
    last_used: key.lastUsedAt?.toISOString(),
    revoked: key.revokedAt?.toISOString(),
    models: key.allowedModels.join(","),
    providers: key.allowedProviders.join(","),
    ips: key.allowedIps.join(","),
    tags: key.tags.join(","),
    former: key.former.map(({ prefix, endsAt }) => `${prefix}@${endsAt.toISOString()}`).join(","),
    name: key.name ?? "",
  };
  const said = Object.entries(more).flatMap(([name, value = ""]) =>
    value === "" ? [] : [` ${name}=${makePlain(value)}`],
  );
  const line = `${key.id}  user=${key.userId} prefix=${key.prefix} expires=${expires} scopes=[${key.scopes.join(" ")}]`;
  return line + said.join("");
}
