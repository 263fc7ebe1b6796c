// Providers for people and programs: where each comes from, whether it is in force, which keys it has and where these may go. Of a key there is its end, if
// it is long enough, and nothing else. Knows no address.

import type { ProviderVersion } from "../gateway/index.ts";
import type { JsonObject } from "../ir/index.ts";
import { findMissing } from "../provider/index.ts";
import type { StandingProvider, StandingSecret } from "./provider-table.ts";

/** One change of a provider. */
export function printProviderVersion(version: ProviderVersion): JsonObject {
  return {
    name: version.name,
    version: version.version,
    deleted: version.fields === null,
    fields: version.fields === null ? null : { ...version.fields },
    keys: version.secrets.map(({ field, hint }) => ({ field, hint: printHint(hint) })),
    comment: version.comment,
    changed_by: version.author,
    changed_at: version.createdAt.toISOString(),
  };
}

export function printProvider(standing: StandingProvider): JsonObject {
  const { name, source, version, settings, findings, secrets } = standing;
  const why = findWhyNot(standing);
  const { keys: _keys, ...change } = version === null ? { keys: null } : printProviderVersion(version);
  return {
    name,
    ...change,
    origin: source,
    in_force: settings !== null,
    usable: why === null,
    ...(why === null ? {} : { why_not: why }),
    type: settings?.kind ?? version?.fields?.["type"] ?? null,
    base_url: settings?.baseUrl ?? version?.fields?.["base_url"] ?? null,
    keys: [...secrets.map(printSecret), ...printConfigured(standing)],
    headers: Object.keys(settings?.headers ?? {}),
    findings: [...findings],
  };
}

/** Why it is not called, and what to do about it; null where it is. */
export function findWhyNot({ settings, obstacle }: StandingProvider): string | null {
  return obstacle ?? (settings === null ? "it is not in force" : findMissing(settings));
}

function printSecret({ field, hint, boundTo, keyId, setAt, setBy, fault }: StandingSecret): JsonObject {
  return {
    field,
    hint: printHint(hint),
    origin: "runtime",
    sent: fault === null,
    ...(fault === null ? {} : { why_not: fault }),
    bound_to: boundTo.split(" "),
    encrypted_with: keyId,
    set_at: setAt.toISOString(),
    set_by: setBy,
  };
}

/** Those of the configuration, which has what there is to know of them. */
function printConfigured({ source, settings, secrets }: StandingProvider): JsonObject[] {
  if (settings === null || source === "runtime") return [];
  const fields = settings.keys?.map(({ label }) => (label === "default" ? "api_key" : `api_key.${label}`));
  const all = fields ?? (settings.apiKey === null ? [] : ["api_key"]);
  return all
    .filter((field) => secrets.every((each) => each.field !== field))
    .map((field) => ({ field, hint: null, origin: "config", sent: true }));
}

function printHint(hint: string): string | null {
  return hint === "" ? null : `…${hint}`;
}
