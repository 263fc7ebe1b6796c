// The list of models: what the providers list, what routes and aliases name, each under a name that really leads there.

import type { Scene } from "../gateway/index.ts";
import { unknownModel } from "../gateway/index.ts";
import type { JsonObject } from "../ir/index.ts";
import type { GuardedRoute } from "./route.ts";

/** How long the very first caller waits for the providers' lists; later ones never do. */
const FIRST_WAIT_MS = 1_500;

export function makeModelRoutes(scene: () => Scene, startedSeconds: number): GuardedRoute[] {
  const authority = { anyOf: ["inference:chat", "inference:embeddings"] } as const;
  return [
    {
      method: "GET",
      path: "/v1/models",
      authority,
      async handle() {
        await scene().catalog.firstReading(FIRST_WAIT_MS);
        return Response.json({ object: "list", data: listModels(scene(), startedSeconds) });
      },
    },
    {
      method: "GET",
      path: "/v1/models/:id{.+}",
      authority,
      async handle({ params }) {
        const id = params["id"] ?? "";
        await scene().catalog.firstReading(FIRST_WAIT_MS);
        const found = findModel(scene(), id, startedSeconds);
        if (found !== undefined) return Response.json(found);
        throw unknownModel(scene(), id);
      },
    },
  ];
}

/** By its listed name, whatever its case; else by any name that leads to a listed model: an alias, or `provider/model`. */
function findModel(scene: Scene, id: string, startedSeconds: number): JsonObject | undefined {
  const wanted = id.toLowerCase();
  const listed = listModels(scene, startedSeconds).find(
    ({ id: listedId }) => typeof listedId === "string" && listedId.toLowerCase() === wanted,
  );
  if (listed !== undefined) return listed;
  const target = scene.router.resolve(id).target;
  const entry = scene.catalog
    .list()
    .find(
      ({ provider, model }) => provider === target?.provider && model.id.toLowerCase() === target.model.toLowerCase(),
    );
  if (entry === undefined) return undefined;
  const { model, provider } = entry;
  return { id, object: "model", created: model.createdAt ?? startedSeconds, owned_by: model.ownedBy || provider };
}

/** A model that its plain name would send elsewhere is listed as `provider/model`, which always leads to it. */
export function listModels(scene: Scene, startedSeconds: number): JsonObject[] {
  const models = new Map<string, JsonObject>();
  const add = (id: string, created: number | null, owner: string): void => {
    if (!models.has(id)) models.set(id, { id, object: "model", created: created ?? startedSeconds, owned_by: owner });
  };
  for (const { provider, model } of scene.catalog.list()) {
    const leadsHere = scene.router.resolve(model.id).target?.provider === provider;
    add(
      leadsHere ? model.id : `${provider}/${model.id}`,
      model.createdAt,
      model.ownedBy === "" ? provider : model.ownedBy,
    );
  }
  for (const { model, provider } of scene.router.named()) add(model, null, provider);
  return [...models.values()];
}
