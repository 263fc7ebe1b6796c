// What the gateway that runs leaves alone of its providers, and until when: in its memory and nowhere else, so it is asked, where there is a key for that.

import { findAddress } from "../../config/index.ts";
import { STRAIGHT } from "../remote/target.ts";
import { type Check, type Finding, note, ok, warning } from "./finding.ts";

const PATIENCE_MS = 3_000;

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);

/** `action`: what an operator said of it, or of what it is a part of. */
interface Told {
  providers: {
    provider: string;
    action?: string;
    keys: { key: string | null; action?: string; reason: string | null; parked_until: string | null }[];
    models: {
      model: string;
      key: string | null;
      action?: string;
      state: string;
      open_until: string | null;
      parked: string | null;
      parked_until: string | null;
    }[];
  }[];
}

export const checkHealth: Check = async ({ config, clean }) => {
  const { TOKLIGENCE_KEY: key = "", TOKLIGENCE_URL: elsewhere = "" } = process.env;
  const url = findAddress({ http: config.http, signIn: { publicUrl: null, isLocalRootFree: false } });
  const said = URL.parse(elsewhere);
  // A key is shown only to whom it was said to be for.
  if (key === "" || said?.port !== new URL(url).port || !LOOPBACK.has(said.hostname)) return [];
  const response = await fetch(`${url}/api/v1/admin/health/providers`, {
    headers: { authorization: `Bearer ${key}` },
    redirect: "manual",
    signal: AbortSignal.timeout(PATIENCE_MS),
    ...STRAIGHT,
    tls: { rejectUnauthorized: false },
  }).catch(() => null);
  // That none runs is found by whoever looks at the port.
  if (response === null) return [];
  if (!response.ok)
    return [
      note(url, {
        found: `does not tell how its providers are doing (HTTP ${response.status})`,
        why: "The key in TOKLIGENCE_KEY is not one of this gateway's, or may not read routes.",
        remedy: "Take another one, with the scope routes:read, or none.",
      }),
    ];
  const { providers } = (await response.json()) as Told;
  const findings = providers.flatMap(judge).map((finding) => ({ ...finding, found: clean(finding.found) }));
  return findings.length > 0 ? findings : [ok(url, `leaves none of its ${providers.length} providers alone`)];
};

function judge(told: Told["providers"][number]): Finding[] {
  const { provider, keys, models } = told;
  const parked = keys.filter(({ parked_until: until }) => until !== null);
  const limited = models.filter(
    ({ key, parked_until: until }) => until !== null && parked.every((each) => each.key !== key),
  );
  // One on trial is asked again.
  const open = models.filter(({ state }) => state === "open");
  const remedy = `"tokligence admin health reset --provider ${provider}" has it tried at once.`;
  return [
    ...judgeActions(told),
    ...parked.map(({ key, reason, parked_until: until }) =>
      warning(nameKey(provider, key), {
        found: `its key is not used until ${until ?? ""}${reason === null ? "" : `: ${reason}`}`,
        why: "The provider refused it, or said that its quota is used up.",
        remedy: `See to it at the provider; then ${remedy}`,
      }),
    ),
    ...limited.map(({ model, key, parked: reason, parked_until: until }) =>
      warning(nameKey(`${provider}/${model}`, key), {
        found: `its key is not used for this model until ${until ?? ""}${reason === null ? "" : `: ${reason}`}`,
        why: "The provider said that it may not be used for it, or not as often.",
        remedy: `See to it at the provider; then ${remedy}`,
      }),
    ),
    ...open.map(({ model, key, open_until: until }) =>
      warning(nameKey(`${provider}/${model}`, key), {
        found: `is left alone until ${until ?? ""}, as it failed too often`,
        why: "Requests for it go elsewhere, or are refused.",
        remedy,
      }),
    ),
  ];
}

/** Each by the most that was taken out with it. */
function judgeActions({ provider, action, keys, models }: Told["providers"][number]): Finding[] {
  const say = (subject: string, said: string): Finding =>
    note(subject, {
      found: said === "drain" ? "was drained by an operator" : "was taken out of service by an operator",
      why: "It is asked nothing new until it is enabled, or for a drained one until the gateway starts again.",
      remedy: `"tokligence admin health enable --provider ${provider}" puts it back.`,
    });
  // That a provider was disabled stands in the database, and is found there.
  if (action !== undefined) return action === "drain" ? [say(provider, action)] : [];
  const out = keys.filter((each) => each.action !== undefined);
  return [
    ...out.map((each) => say(nameKey(provider, each.key), each.action ?? "")),
    ...models
      .filter((each) => each.action !== undefined && out.every(({ key }) => key !== each.key))
      .map((each) => say(nameKey(`${provider}/${each.model}`, each.key), each.action ?? "")),
  ];
}

function nameKey(subject: string, key: string | null): string {
  return key === null ? subject : `${subject}, key ${key}`;
}
