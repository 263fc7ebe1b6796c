// What the gateway that runs leaves alone of its providers, and until when: in its memory and nowhere else, so it is asked, where there is a key for that.

import { findAddress } from "../../config/index.ts";
import { type Check, type Finding, note, ok, warning } from "./finding.ts";

const PATIENCE_MS = 3_000;

const LOOPBACK: ReadonlySet<string> = new Set(["127.0.0.1", "[::1]", "localhost"]);

interface Told {
  providers: {
    provider: string;
    keys: { key: string | null; state: string; reason: string | null; parked_until: string | null }[];
    models: { model: string; key: string | null; state: string; open_until: string | null }[];
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

function judge({ provider, keys, models }: Told["providers"][number]): Finding[] {
  const parked = keys.filter(({ parked_until: until }) => until !== null);
  const open = models.filter(({ open_until: until }) => until !== null);
  return [
    ...parked.map(({ key, reason, parked_until: until }) =>
      warning(key === null ? provider : `${provider}, key ${key}`, {
        found: `its key is not used until ${until ?? ""}${reason === null ? "" : `: ${reason}`}`,
        why: "The provider refused it, or said that its quota is used up.",
        remedy: `See to it at the provider; then "tokligence admin health reset --provider ${provider}" has it tried at once.`,
      }),
    ),
    ...open.map(({ model, open_until: until }) =>
      warning(`${provider}/${model}`, {
        found: `is left alone until ${until ?? ""}, as it failed too often`,
        why: "Requests for it go elsewhere, or are refused.",
        remedy: `"tokligence admin health reset --provider ${provider}" has it tried at once.`,
      }),
    ),
  ];
}
