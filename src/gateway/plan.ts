// Decides what is sent where: pure. The same format on both sides is forwarded, any other pair of chat formats is translated.

import { GatewayError, type JsonObject, invalidRequest } from "../ir/index.ts";
import { findNearest } from "../lib/nearest.ts";
import type { Provider } from "../provider/index.ts";
import { type ChatWire, WIRES, type Wire } from "../wire/index.ts";
import type { Scene } from "./call.ts";

export interface Plan {
  provider: Provider;
  /** The model's name as the provider knows it. */
  model: string;
  url: string;
  /** Text to send. */
  body: string;
  /** Fields of the request that the target could not say. */
  dropped: string[];
  mode:
    | { kind: "forward"; wire: Wire }
    | { kind: "translate"; client: ChatWire; target: ChatWire; request: ReturnType<ChatWire["request"]["decode"]> };
}

/** Throws not_found, not_configured or invalid_request. */
export function makePlan(scene: Scene, wire: Wire, model: string, raw: string, body: JsonObject): Plan {
  const target = scene.router.resolve(model).target;
  if (target === null) throw unknownModel(scene, model);
  const provider = scene.providers.get(target.provider);
  if (provider === undefined) throw unknownModel(scene, model);
  if (provider.missing !== null) throw new GatewayError({ kind: "not_configured", message: provider.missing });

  const url = provider.endpoints[wire.id];
  if (url !== undefined) {
    const text = wire.forward.request(raw, body, target.model);
    return { provider, model: target.model, url, body: text, dropped: [], mode: { kind: "forward", wire } };
  }
  return translate(scene, wire, provider, target.model, body);
}

function translate(scene: Scene, wire: Wire, provider: Provider, model: string, body: JsonObject): Plan {
  const spoken = Object.values(WIRES).find(
    (candidate): candidate is ChatWire =>
      candidate.operation === "chat" && provider.endpoints[candidate.id] !== undefined,
  );
  const url = spoken === undefined ? undefined : provider.endpoints[spoken.id];
  if (wire.operation !== "chat" || spoken === undefined || url === undefined) {
    throw invalidRequest(
      `Provider "${provider.name}" offers no ${wire.endpoint}. Choose a model of a provider that does.`,
      "model",
      "unsupported_operation",
    );
  }
  if (scene.workMode === "passthrough") {
    throw invalidRequest(
      `Model "${model}" is served by provider "${provider.name}" in another format, and work_mode = passthrough forbids translation.`,
      "model",
      "translation_disabled",
    );
  }
  const request = { ...wire.request.decode(body), model };
  const encoded = spoken.request.encode(request, provider.facts(model));
  return {
    provider,
    model,
    url,
    body: JSON.stringify(encoded.body),
    dropped: encoded.dropped,
    mode: { kind: "translate", client: wire, target: spoken, request },
  };
}

/** A 404 that names what comes near: models that are listed, aliases and routes. */
export function unknownModel(scene: Scene, model: string): GatewayError {
  const known = [
    ...scene.catalog.list().map((entry) => entry.model.id),
    ...scene.router.named().map((entry) => entry.model),
  ];
  const near = findNearest(model, known);
  const hint =
    near.length > 0
      ? ` Did you mean ${near.map((name) => `"${name}"`).join(", ")}?`
      : " GET /v1/models lists what there is; a route for it can be declared in [routes].";
  return new GatewayError({
    kind: "not_found",
    code: "model_not_found",
    param: "model",
    message: `The model "${model.slice(0, 200)}" does not exist here or no route leads to it.${hint}`,
  });
}
