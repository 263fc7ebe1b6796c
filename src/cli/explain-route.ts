// `tokligence models route`: where a model, or a whole request that is not made, would go, and why not elsewhere. No server need run.

import { defineCommand } from "citty";
import { type ApiKey, limitsOf } from "../identity/index.ts";
import { createPriceBook } from "../ledger/index.ts";
import { type JsonObject, isJsonObject } from "../ir/index.ts";
import { loadBundledPrices } from "../ledger/price-list.ts";
import { type RouteExplanation, explainRoute, makePriceRules, mergeRoutes, readDryRun } from "../server/index.ts";
import { CliError, EXIT } from "./error.ts";
import { openDryFleet } from "./dry-fleet.ts";
import { type ConfigFlags, PLACE_ARGS, TOKEN_TOO } from "./flags.ts";
import { readKept } from "./kept.ts";
import { openScene } from "./models.ts";
import { print, printJson, printTable, say } from "./output.ts";
import { createRemote } from "./remote/client.ts";
import { type Target, findTarget, splitKey } from "./remote/target.ts";
import { readMoment, refuseValue } from "./value.ts";

export default defineCommand({
  meta: { name: "route", description: "Say which provider a model or a whole request goes to, and why" },
  args: {
    ...PLACE_ARGS,
    model: { type: "positional", description: "The model's name; unset: what the body says", required: false },
    explain: { type: "boolean", description: "Show every candidate, and why it comes where it comes" },
    body: {
      type: "string",
      description: "File with the body of a request, - for stdin; it is not made",
      valueHint: "FILE",
    },
    endpoint: {
      type: "string",
      description: "The address that it would come to, such as /v1/messages; unset: /v1/chat/completions",
      valueHint: "PATH",
    },
    header: {
      type: "string",
      description: "Headers that it would have, as name=value, name=value",
      valueHint: "HEADERS",
    },
    user: { type: "string", description: "Whose it would be, by e-mail", valueHint: "USER" },
    key: { type: "string", description: `With which API key, by its id; ${TOKEN_TOO}`, valueHint: "KEY" },
    at: { type: "string", description: "When; unset: now", valueHint: "MOMENT" },
  },
  async run({ args }) {
    const { flags, named: key } = splitKey(args);
    const asked = { ...args, key };
    if (args.model === undefined && args.body === undefined) {
      throw new CliError("Say which model, or give the body of a request.", {
        exitCode: EXIT.usage,
        hint: "tokligence models route gpt-4o --explain, or tokligence models route --body request.json",
      });
    }
    const loose = (["at", "endpoint", "header", "key", "user"] as const).find((flag) => asked[flag] !== undefined);
    if (args.body === undefined && loose !== undefined) {
      throw new CliError(`--${loose} tells of a request, and there is none.`, {
        exitCode: EXIT.usage,
        hint: "Give its body: --body request.json, or --body - for stdin",
      });
    }
    const target = findTarget(flags);
    const decision = target === null ? await explainHere(asked) : await explainThere(target, asked);
    if (args.json === true) return printJson(decision);
    tell(decision, args.explain === true || args.body !== undefined);
  },
});

async function explainHere(flags: Flags): Promise<RouteExplanation> {
  const { scene: built, config } = await openScene(flags);
  built.catalog.stop();
  const kept = await readKept(config, flags.key ?? null);
  const scene = built.reroute(mergeRoutes(config, kept.routes).rules);
  const prices = createPriceBook(makePriceRules(config, [await loadBundledPrices()]));
  const tools = { prices, fleet: await openDryFleet(config, kept.controls) };
  const run = flags.body === undefined ? null : readDryRun(await readQuestion(flags.body, flags, kept.key));
  return explainRoute({ scene, tools }, run?.asked.peek.model ?? flags.model ?? "", run);
}

/** With what the gateway knows of how its providers are doing. */
async function explainThere(target: Target, flags: Flags): Promise<RouteExplanation> {
  const { model, endpoint, user, key, at } = flags;
  const remote = createRemote(target);
  const path = "/api/v1/admin/route";
  if (flags.body === undefined) return remote.ask({ method: "GET", path, query: { model } });
  const body = {
    model,
    endpoint,
    body: await readBody(flags.body),
    headers: readHeaders(flags.header ?? ""),
    user,
    key,
    at: at === undefined ? undefined : readMoment("at", at).toISOString(),
  };
  return remote.ask({ method: "POST", path, body });
}

interface Flags extends ConfigFlags {
  body?: string | undefined;
  model?: string | undefined;
  endpoint?: string | undefined;
  header?: string | undefined;
  user?: string | undefined;
  key?: string | undefined;
  at?: string | undefined;
}

async function readQuestion(
  file: string,
  flags: Flags,
  kept: ApiKey | null,
): Promise<Parameters<typeof readDryRun>[0]> {
  const { model, endpoint = "/v1/chat/completions", user = "", key = "", at } = flags;
  return {
    endpoint,
    body: await readBody(file),
    model,
    headers: readHeaders(flags.header ?? ""),
    caller: {
      email: user,
      userId: user,
      keyId: key,
      limits: kept === null ? null : limitsOf(kept),
      tags: kept === null || kept.tags.length === 0 ? null : kept.tags,
    },
    atMs: at === undefined ? Date.now() : readMoment("at", at).getTime(),
  };
}

async function readBody(file: string): Promise<JsonObject> {
  let text: string;
  try {
    text = await (file === "-" ? Bun.stdin : Bun.file(file)).text();
  } catch {
    throw refuseValue("body", `${JSON.stringify(file)} cannot be read`);
  }
  try {
    const body: unknown = JSON.parse(text);
    if (isJsonObject(body)) return body;
  } catch {
    // Said below.
  }
  throw refuseValue("body", `${JSON.stringify(file)} holds no JSON object`);
}

function readHeaders(text: string): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const part of text.split(",").filter((each) => each.trim() !== "")) {
    const [, name = "", value = ""] = /^\s*([\w-]+)\s*[=:]\s*(.*?)\s*$/u.exec(part) ?? [];
    if (name === "") throw refuseValue("header", `${JSON.stringify(part.trim())} is no header: write name=value`);
    headers[name.toLowerCase()] = value;
  }
  return headers;
}

function tell(decision: RouteExplanation, isWhole: boolean): void {
  print(`${decision.model} → ${decision.provider} as ${decision.upstream_model} (${decision.reason})`);
  if (decision.missing !== undefined) say(decision.missing);
  for (const { provider, upstream_model: name, ready } of decision.fallbacks) {
    print(`  else ${provider} as ${name}${ready ? "" : " (not ready: a setting is missing)"}`);
  }
  if (isWhole) {
    print("");
    printTable(decision.candidates, [
      "provider",
      "upstream_model",
      "role",
      "outcome",
      "weight",
      "latency_ms",
      "in_flight",
      "breaker",
      "cost_usd",
      "why",
    ]);
    print("");
  }
  printTable(decision.considered, ["rule", "origin", "outcome"]);
}
