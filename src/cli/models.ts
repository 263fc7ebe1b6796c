// `tokligence models`: what can be asked for, and why a name goes where it goes. Asks the providers itself; no server need run.

import { defineCommand } from "citty";
import { type Config, loadConfig } from "../config/index.ts";
import { systemClock } from "../lib/clock.ts";
import { lookupHost } from "../lib/lookup.ts";
import { UNREAD_HEADER, buildScene, guardCalls, listModels, mergeRoutes } from "../server/index.ts";
import { readEffective } from "./effective.ts";
import { type ConfigFlags, PLACE_ARGS, toLoadOptions } from "./flags.ts";
import { readKept } from "./kept.ts";
import { printJson, printTable, say } from "./output.ts";
import { callOutside } from "./outside.ts";
import { type Target, findTarget } from "./remote/target.ts";

/** How long the providers' lists are waited for. */
const WAIT_MS = 5_000;

const list = defineCommand({
  meta: { name: "list", description: "List the models that can be asked for" },
  args: PLACE_ARGS,
  async run({ args }) {
    const target = findTarget(args);
    const rows = target === null ? await listHere(args) : await listThere(target);
    if (args.json === true) printJson({ object: "list", data: rows });
    else printTable(rows, ["id", "owned_by"]);
  },
});

interface ListedModel {
  id: string;
  object: string;
  created: number;
  owned_by: string;
}

async function listHere(flags: ConfigFlags): Promise<ListedModel[]> {
  const { scene, config } = await openScene(flags);
  const { routes } = await readKept(config, null);
  const models = listModels(scene.reroute(mergeRoutes(config, routes).rules), Math.floor(Date.now() / 1000));
  scene.catalog.stop();
  return models.map(({ id, createdAt, listedAt, ownedBy }) => ({
    id,
    object: "model",
    created: createdAt ?? listedAt,
    owned_by: ownedBy,
  }));
}

async function listThere(target: Target): Promise<ListedModel[]> {
  const { createRemote, readJson } = await import("./remote/client.ts");
  const question = { method: "GET", path: "/v1/models" } as const;
  const answer = await createRemote(target).open(question, "json");
  const { data } = await readJson<{ data: ListedModel[] }>(answer, { url: target.url, question, brings: "data" });
  for (const provider of answer.headers.get(UNREAD_HEADER)?.split(", ") ?? []) {
    complain(provider, "the gateway's log says why");
  }
  return data.map(({ id, object, created, owned_by }) => ({ id, object, created, owned_by }));
}

function complain(provider: string, why: string): void {
  say(`The provider's models could not be listed: ${provider} (${why})`);
}

export default defineCommand({
  meta: { name: "models", description: "List models, explain routes" },
  default: "list",
  subCommands: { list, route: () => import("./explain-route.ts").then((module) => module.default) },
});

export async function openScene(flags: ConfigFlags): Promise<{ scene: ReturnType<typeof buildScene>; config: Config }> {
  const { config: declared, warnings } = await loadConfig(toLoadOptions(flags));
  for (const warning of warnings) say(`warning: ${warning}`);
  const config = await readEffective(declared);
  const tell = (_message: string, fields?: Readonly<Record<string, unknown>>): void => {
    const error = fields?.["error"];
    complain(String(fields?.["provider"]), error instanceof Error ? error.message : "no reason given");
  };
  const quiet = (): void => undefined;
  const log = { debug: quiet, error: tell, info: quiet, warn: tell, setLevel: quiet };
  const guarded = guardCalls(callOutside, { lookup: lookupHost, clock: systemClock }, () => config);
  const scene = buildScene(config, { fetch: guarded, signIn: callOutside, clock: systemClock, log });
  await scene.catalog.firstReading(WAIT_MS);
  return { scene, config };
}
