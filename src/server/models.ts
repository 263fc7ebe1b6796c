// The list of models: what the providers list, what routes and aliases name, each under a name that really leads there; told to each client
// in its own format.

import type { Scene } from "../gateway/index.ts";
import { narrowScene, unknownModel, unlistedModel } from "../gateway/index.ts";
import { type GatewayError, toGatewayError } from "../ir/index.ts";
import { LISTERS, type ModelEntry } from "../wire/index.ts";
import type { GuardedRoute } from "./route.ts";

/** How long the very first caller waits for the providers' lists; later ones never do. */
const FIRST_WAIT_MS = 1_500;

/** Names providers whose models may be missing in the list. */
export const UNREAD_HEADER = "x-tokligence-unlisted";

type Lister = (typeof LISTERS)[number];

export function makeModelRoutes(scene: () => Scene, startedSeconds: number): GuardedRoute[] {
  const [common, ...others] = LISTERS;
  const routes = others.flatMap((wire) =>
    wire.listing.paths.flatMap((path) => makeRoutes(path, () => wire, { scene, startedSeconds })),
  );
  if (common === undefined) return routes;
  // One address, and the client's headers tell in which format it reads.
  const choose = (request: Request): Lister => others.find(({ listing }) => listing.isAsked(request)) ?? common;
  return [...common.listing.paths.flatMap((path) => makeRoutes(path, choose, { scene, startedSeconds })), ...routes];
}

function makeRoutes(
  path: string,
  wireOf: (request: Request) => Lister,
  { scene, startedSeconds }: { scene: () => Scene; startedSeconds: number },
): GuardedRoute[] {
  const every = {
    authority: { anyOf: ["inference:chat", "inference:embeddings"] },
    entry: "calls models",
    wireOf,
  } as const;
  return [
    {
      method: "GET",
      path,
      ...every,
      async handle({ request, query, caller }) {
        await scene().catalog.firstReading(FIRST_WAIT_MS);
        const own = narrowScene(scene(), caller.limits);
        const list = wireOf(request).listing.list(listModels(own, startedSeconds), query);
        const unread = own.catalog.unread();
        return Response.json(list, unread.length === 0 ? {} : { headers: { [UNREAD_HEADER]: unread.join(", ") } });
      },
    },
    {
      method: "GET",
      path: `${path}/:id{.+}`,
      ...every,
      async handle({ request, params, caller }) {
        const id = params["id"] ?? "";
        await scene().catalog.firstReading(FIRST_WAIT_MS);
        const own = narrowScene(scene(), caller.limits);
        const found = findModel(own, id, startedSeconds);
        if (found !== undefined) return Response.json(wireOf(request).listing.one(found));
        throw refuse(own, id);
      },
    },
  ];
}

/** By its listed name, whatever its case; else by any name that leads to a listed model: an alias, or `provider/model`. */
function findModel(scene: Scene, id: string, startedSeconds: number): ModelEntry | undefined {
  const wanted = id.toLowerCase();
  const listed = listModels(scene, startedSeconds).find((model) => model.id.toLowerCase() === wanted);
  if (listed !== undefined) return listed;
  const target = scene.router.resolve(id).way?.targets[0];
  const entry = scene.catalog
    .list()
    .find(
      ({ provider, model }) => provider === target?.provider && model.id.toLowerCase() === target.model.toLowerCase(),
    );
  if (entry === undefined) return undefined;
  const { model, provider } = entry;
  return describeModel(scene, { id, provider, model: model.id, ...pickFacts(model) }, startedSeconds);
}

/** Its route may lead on where the provider's list does not. */
function refuse(scene: Scene, id: string): GatewayError {
  const provider = findFirst(scene, id)?.provider;
  if (provider === undefined) return unknownModel(scene, id);
  return unlistedModel(scene, id, { provider, isRead: !scene.catalog.unread().includes(provider) });
}

function pickFacts({ createdAt, ownedBy }: { createdAt: number | null; ownedBy: string }) {
  return { createdAt, ownedBy };
}

/** A model that its plain name would send elsewhere is listed as `provider/model`, which always leads to it. */
export function listModels(scene: Scene, startedSeconds: number): ModelEntry[] {
  const models = new Map<string, ModelEntry>();
  const add = (named: Named): void => {
    if (!models.has(named.id)) models.set(named.id, describeModel(scene, named, startedSeconds));
  };
  for (const { provider, model } of scene.catalog.list()) {
    const leadsHere = findFirst(scene, model.id)?.provider === provider;
    const id = leadsHere ? model.id : `${provider}/${model.id}`;
    add({ id, provider, model: model.id, ...pickFacts(model) });
  }
  for (const { model, provider } of scene.router.named()) {
    const target = findFirst(scene, model)?.model ?? model;
    add({ id: model, provider, model: target, createdAt: null, ownedBy: "" });
  }
  return [...models.values()];
}

/** Of a name as it is listed: a key that may not use whom it leads to is told of the others that list it. */
function findFirst({ router }: Scene, name: string): { provider: string; model: string } | undefined {
  try {
    return router.resolve(name).way?.targets[0];
  } catch (error) {
    if (toGatewayError(error).kind !== "forbidden") throw error;
    return undefined;
  }
}

/** A name that leads to a provider's model. */
interface Named {
  id: string;
  provider: string;
  model: string;
  createdAt: number | null;
  ownedBy: string;
}

function describeModel(
  scene: Scene,
  { id, provider, model, createdAt, ownedBy }: Named,
  startedSeconds: number,
): ModelEntry {
  return {
    id,
    createdAt,
    listedAt: startedSeconds,
    ownedBy: ownedBy === "" ? provider : ownedBy,
    maxOutputTokens: scene.providers.get(provider)?.facts(model).maxOutputTokens ?? null,
  };
}
