// What one setting says about another, before any is read into a value. Knows only names, texts and layers.

import type { Gathered } from "./gathered.ts";
import type { KeyName } from "./key.ts";
import { describeKey } from "./key.ts";
import { printOrigin } from "./problem.ts";
import { address, parseText } from "./syntax.ts";

export function adjust(gathered: Gathered): void {
  takeFacadePort(gathered);
  dropOwnAddress(gathered);
  dropOwnKeys(gathered);
}

/** `facade_port` is the old http_address; it is ours, so it goes before PORT. */
function takeFacadePort(gathered: Gathered): void {
  const old = gathered.settings.get("facade_port");
  const known = gathered.settings.get("http_address");
  if (old === undefined || !/^\d+$/.test(old.text) || (known !== undefined && known.layer !== "usual")) return;
  gathered.settings.set("http_address", { ...old, text: `:${old.text}` });
}

/**
 * A shell in which clients are pointed at this gateway has OPENAI_BASE_URL set to it. Taken for the provider's address, every call
 * would come back to us without end.
 */
function dropOwnAddress(gathered: Gathered): void {
  const names: KeyName[] = ["anthropic_base_url", "openai_base_url"];
  dropUsual(gathered, names, "it is this gateway's own address", makeOwnAddressTest(gathered));
}

export function makeOwnAddressTest(gathered: Gathered): (url: string) => boolean {
  const own = gathered.settings.get("http_address")?.text ?? describeKey("http_address").fallback ?? "";
  const parsed = parseText(address, own);
  const port = "value" in parsed ? parsed.value.port : null;
  return (text) => {
    const url = URL.parse(text);
    if (url === null || !/^(localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(url.hostname)) return false;
    return Number(url.port || (url.protocol === "https:" ? 443 : 80)) === port;
  };
}

/** Likewise its key: a gateway's key is no provider's business. */
function dropOwnKeys(gathered: Gathered): void {
  const reason = "it holds a key of a gateway, not of the provider";
  dropUsual(gathered, ["anthropic_api_key", "openai_api_key"], reason, isOwnKey);
}

export function isOwnKey(text: string): boolean {
  return text.startsWith("tok_");
}

function dropUsual(gathered: Gathered, names: KeyName[], reason: string, isOurs: (text: string) => boolean): void {
  for (const name of names) {
    const setting = gathered.settings.get(name);
    if (setting?.layer !== "usual" || setting.isPath || !isOurs(setting.text)) continue;
    gathered.settings.delete(name);
    gathered.warnings.push(`${printOrigin(setting.origin)} is not used for ${name}: ${reason}`);
  }
}
