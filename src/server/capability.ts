// What each provider can be asked through each client format, as the codecs show it. Knows no format and no vendor.

import {
  type Capability,
  FEATURES,
  type ProbedProvider,
  SURFACES,
  type Scene,
  findTarget,
  narrowScene,
  probeCapabilities,
} from "../gateway/index.ts";
import { invalidRequest } from "../ir/index.ts";
import { KINDS } from "../provider/index.ts";
import { listSampleProviders } from "../provider/sample.ts";
import type { GuardedRoute } from "./route.ts";

/** What may narrow the list: each names cells that are wanted. */
export interface CapabilityFilter {
  surface?: string | null | undefined;
  provider?: string | null | undefined;
  feature?: string | null | undefined;
}

export function makeCapabilityRoutes(scene: () => Scene): GuardedRoute[] {
  /** The same for everyone and for ever: it depends on the program alone. */
  let all: Promise<Capability[]> | null = null;
  return [
    {
      method: "GET",
      path: "/v1/capabilities",
      authority: "any-key",
      async handle({ query, caller }) {
        const filter = {
          surface: query.get("surface"),
          provider: query.get("provider"),
          feature: query.get("feature"),
        };
        const model = query.get("model");
        checkFilter({ ...filter, model });
        const cells =
          model === null
            ? await (all ??= gather(listSampleProviders()))
            : await gather([probeModel(narrowScene(scene(), caller.limits), model)]);
        return Response.json(printCapabilities(cells, filter));
      },
    },
  ];
}

/** The provider that a model's name leads to here. Throws not_found, not_configured. */
export function probeModel(scene: Scene, name: string): ProbedProvider {
  const { provider, model } = findTarget(scene, name);
  return { name: provider.name, provider, model };
}

/** What is not there would give an empty list that says nothing. A model's provider goes by whatever name it has here. */
export function checkFilter({
  surface,
  feature,
  provider,
  model,
}: CapabilityFilter & { model?: string | null | undefined }): void {
  if ((model ?? null) === null) refuseUnknown("provider", provider, [...KINDS.keys()]);
  refuseUnknown(
    "surface",
    surface,
    SURFACES.map((wire) => wire.id),
  );
  refuseUnknown(
    "feature",
    feature,
    FEATURES.map((each) => each.feature),
  );
}

function refuseUnknown(what: string, wanted: string | null | undefined, known: readonly string[]): void {
  if (wanted === null || wanted === undefined || known.includes(wanted)) return;
  throw invalidRequest(`There is no ${what} "${wanted.slice(0, 100)}": ${known.join(", ")}.`, what);
}

export function printCapabilities(cells: readonly Capability[], filter: CapabilityFilter): object {
  return {
    object: "list",
    surfaces: SURFACES.map((wire) => ({ id: wire.id, paths: wire.paths })),
    features: FEATURES,
    data: filterCapabilities(cells, filter),
  };
}

export function filterCapabilities(cells: readonly Capability[], filter: CapabilityFilter): Capability[] {
  const names = ["surface", "provider", "feature"] as const;
  return cells.filter((cell) => names.every((name) => (filter[name] ?? cell[name]) === cell[name]));
}

/** Requests go on between two pairs. */
async function gather(probed: readonly ProbedProvider[]): Promise<Capability[]> {
  const cells: Capability[] = [];
  for (const found of probeCapabilities(probed)) {
    cells.push(...found);
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  return cells;
}
