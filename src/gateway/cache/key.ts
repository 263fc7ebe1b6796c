// By what two requests are told to be one: a digest of everything that can change their answer. Knows no format and no vendor: what of a body
// counts, its wire says, and what of the headers, the providers that may be asked.

import { hash } from "node:crypto";
import type { JsonObject } from "../../ir/index.ts";
import { canonicalize } from "../../lib/canonical-json.ts";
import { findRepeatedKey } from "../../lib/json-edit.ts";
import { VERSION } from "../../lib/version.ts";
import { type Peek, findReferences, mayReference } from "../../wire/index.ts";
import type { Call, Scene } from "../call.ts";
import { openFacts } from "../facts.ts";
import { listFurtherModels } from "../named-model.ts";
import { requireModels } from "../narrow.ts";
import { type Target, listTargets } from "../target.ts";
import { type CacheRules, type CacheScope, cacheRulesFor } from "./rules.ts";

export interface Question {
  call: Call;
  raw: string;
  body: JsonObject;
  peek: Peek;
  /** Refuse instead of leaving anything out. */
  isStrict: boolean;
}

/** Where an answer is looked for, and by which rules. */
export interface Place {
  key: string;
  rules: CacheRules;
}

/** `off` where its route keeps nothing; `bypass` where the answer must not be given again, nor another one in its place. */
export function findPlace(question: Question, scene: Scene, general: CacheRules): Place | "bypass" | "off" {
  const { call, raw, body, peek, isStrict } = question;
  const { address, caller, framing, wire } = call;
  try {
    const asked = { keeper: null, wire, raw, body, peek, isStrict, headers: call.headers };
    const facts = openFacts(call, { endpoint: wire.endpoint, isStream: peek.stream, body });
    const { targets, strategy, policy } = listTargets(scene, asked, facts);
    if (scene.limits?.models) requireModels(scene.limits, listFurtherModels(body));
    const rules = cacheRulesFor(general, policy);
    if (rules === null) return "off";
    const essence = wire.repeatable?.(body) ?? null;
    // What a provider keeps is one user's, and may be gone by the next time; of a field that stands twice, it may read the other one.
    if (essence === null || namesObjects(raw, body) || findRepeatedKey(raw) !== null) return "bypass";
    const parts = {
      // Another edition may translate otherwise.
      edition: VERSION,
      wire: wire.id,
      address,
      framing: peek.stream ? framing : null,
      isStrict,
      // As the client names it, for answers repeat that; and as it is resolved, by whoever may be asked.
      model: peek.model,
      strategy,
      policy: JSON.stringify(policy ?? null),
      targets: targets.map((target) => nameTarget(target, scene)),
      headers: pickHeaders(call, targets, peek.stream),
      owner: nameOwner(rules.scope, caller),
      // Numbers of so many digits are not told apart once they are read.
      body: LONG_NUMBER.test(raw) ? raw : HAS_SCHEMA.test(raw) ? JSON.stringify(essence) : essence,
    };
    return { key: hash("sha256", canonicalize(parts), "base64url"), rules };
  } catch {
    // Whatever is wrong with the request, its caller is told by whoever answers it.
    return "bypass";
  }
}

const LONG_NUMBER = /\d{16}/u;
/** Models write the fields of a schema in the order in which it has them: there, order counts. */
const HAS_SCHEMA = /"properties"/u;

function namesObjects(raw: string, body: JsonObject): boolean {
  return mayReference(raw) && findReferences(body).length > 0;
}

function nameTarget({ provider, model, set = {} }: Target, { cache }: Scene): string {
  return `${provider.name} ${cache.fingerprint(provider.name)} ${model} ${JSON.stringify(set)}`;
}

function nameOwner(scope: CacheScope, { keyId, userId }: Call["caller"]): string {
  switch (scope) {
    case "global":
      return "global";
    case "key":
      return `key ${keyId}`;
    case "user":
      return `user ${userId}`;
    default:
      return scope satisfies never;
  }
}

/** Of each call its own, and of no answer any. */
const OF_THE_CALL = new Set(["idempotency-key", "traceparent", "tracestate"]);

/** The client's headers that any of the providers would be sent. */
function pickHeaders({ headers }: Call, targets: readonly Target[], stream: boolean): Record<string, string> {
  const picked: Record<string, string> = {};
  for (const { provider, model } of targets) {
    const endpoints = provider.speaks(model).map((wire) => provider.endpoint(wire, { model, stream, headers }));
    const names = [
      ...provider.requestHeaders,
      ...(provider.versionHeaders ?? []),
      ...endpoints.flatMap(({ requestHeaders }) => requestHeaders ?? []),
    ];
    for (const name of names) {
      const value = headers.get(name);
      if (value !== null && !OF_THE_CALL.has(name)) picked[name] = value;
    }
    // Some addresses are made of headers.
    for (const { url, set } of endpoints) picked[`${provider.name} ${url}`] = canonicalize(set ?? null);
  }
  return picked;
}
