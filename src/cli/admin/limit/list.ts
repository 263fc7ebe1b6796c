// `tokligence admin limits list`: every rate limit, where it comes from, and what is used of it where a gateway runs.

import { defineCommand } from "citty";
import type { Json, JsonObject } from "../../../ir/index.ts";
import { printJson, printTable } from "../../output.ts";
import { IN_FORCE_ARG, pickInForce } from "../in-force.ts";
import { type PlaceFlags, TOKEN_TOO } from "../../flags.ts";
import { runAtPlace } from "../../place.ts";
import { splitKey } from "../../remote/target.ts";
import { SOURCES } from "../../../server/index.ts";
import { chooseRows, pickWord } from "../choose.ts";
import { GATEWAY_ARGS, toPlace } from "../health/gateway.ts";
import { listLimits } from "./rules.ts";

export default defineCommand({
  meta: { name: "list", description: "List rate limits: those of the configuration, and those that were set" },
  args: {
    ...GATEWAY_ARGS,
    ...IN_FORCE_ARG,
    user: { type: "string", description: "Only those of this user, by id or e-mail", valueHint: "USER" },
    key: { type: "string", description: `Only those of this API key, by its id; ${TOKEN_TOO}`, valueHint: "KEY" },
    model: { type: "string", description: "Only those of this model or pattern, as it was said", valueHint: "PATTERN" },
    provider: { type: "string", description: "Only those of this provider", valueHint: "PROVIDER" },
    source: {
      type: "string",
      description: "Only those of the configuration (config), or that were set (runtime)",
      valueHint: "SOURCE",
    },
  },
  async run({ args }) {
    const { flags, named: key } = splitKey(args);
    const { model, provider } = args;
    const source = pickWord("source", args.source, SOURCES);
    const user = args.user === undefined ? undefined : await listNames(flags, args.user);
    const chosen = chooseRows(await listLimits(flags), { key, model, provider, source, user });
    const limits = pickInForce(chosen, args["in-force"]);
    if (args.json === true) return printJson({ limits });
    printTable(limits.map(toRow), [
      "name",
      "source",
      "version",
      "in_force",
      "scope",
      "requests_per_minute",
      "tokens_per_minute",
      "concurrent",
      "used",
    ]);
  },
});

/** At the gateway that is asked, or in its database here: all words by which a limit may name the user. The configuration's may say an e-mail address. */
function listNames(flags: PlaceFlags, user: string): Promise<string[]> {
  return runAtPlace(toPlace(flags), async ({ directory }) => {
    const { id, email } = await directory.getUser(user);
    return [id, email];
  });
}

function toRow(limit: JsonObject) {
  const { name, source, version, requests_per_minute, tokens_per_minute, concurrent } = limit;
  return {
    name,
    source,
    version,
    in_force: limit["in_force"] === true ? "yes" : `no: ${print(limit["why_not"])}`,
    scope: nameScope(limit),
    requests_per_minute,
    tokens_per_minute,
    concurrent,
    used: sayUsed(limit),
  };
}

function nameScope(limit: JsonObject): string {
  const parts = ["key", "user", "model", "provider"].flatMap((name) =>
    typeof limit[name] === "string" ? [`${name}=${limit[name]}`] : [],
  );
  const per = Array.isArray(limit["per"]) ? limit["per"].map(String) : [];
  if (per.length > 0) parts.push(`each ${per.join(" and ")}`);
  return parts.length === 0 ? "total" : parts.join(" ");
}

/** Of the one state there is; of several, how many. */
function sayUsed({ states, per }: JsonObject): string | null {
  if (!Array.isArray(states)) return null;
  if (Array.isArray(per) && per.length > 0) return states.length === 0 ? null : `by ${states.length}`;
  const [state] = states as JsonObject[];
  return Object.entries(state ?? {})
    .map(([unit, figures]) => `${readUsed(figures)} ${unit}`)
    .join(", ");
}

function readUsed(figures: Json): string {
  return print((figures as JsonObject)["used"]);
}

function print(value: Json = null): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
