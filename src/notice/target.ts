// Where notices may go, as an operator writes it: `log`, a file's path, `mailto:`, a webhook's URL, or an object store's.
// Knows no setting's name and sends nothing.

export type Target =
  | { kind: "file"; path: string }
  | { kind: "log" }
  | { kind: "mail"; address: string }
  /** PUT; `{name}` in it stands for a field of the notice. */
  | { kind: "object"; url: string }
  /** POST. */
  | { kind: "webhook"; url: string };

const PLACEHOLDER = /\{([^{}]*)\}/gu;
const WEB = /^(put\+)?(https?:\/\/.*)$/isu;

/** The parts of a list, as written: they are separated by commas, so a comma within a URL is written %2C. */
export function splitTargets(text: string): string[] {
  return text
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}

/** Whether a part of a list is a file's path. */
export function isPath(part: string): boolean {
  return part !== "log" && !/^(?:file|mailto):/iu.test(part) && !part.includes("://");
}

/**
 * One part of a list; `placeholders` are the fields that a URL may name. Throws an Error whose message is for the operator, and
 * repeats no URL: it may hold a secret.
 */
export function readTarget(part: string, placeholders: readonly string[]): Target {
  if (part === "log") return { kind: "log" };
  const [, address] = /^mailto:(.*)$/isu.exec(part) ?? [];
  if (address !== undefined) return readAddress(address);
  const [, put, url] = WEB.exec(part) ?? [];
  if (url !== undefined) return readUrl(url, put !== undefined, placeholders);
  if (/^file:/iu.test(part)) throw new Error("a file is named by its path alone, without file:");
  if (part.includes("://")) throw new Error("a URL must begin with https://, http://, put+https:// or put+http://");
  return { kind: "file", path: part };
}

function readAddress(address: string): Target {
  if (!/^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/u.test(address)) {
    throw new Error("mailto: must be followed by one e-mail address and nothing else");
  }
  return { kind: "mail", address };
}

function readUrl(url: string, isPut: boolean, placeholders: readonly string[]): Target {
  const named = [...url.matchAll(PLACEHOLDER)].map(([, name]) => name ?? "");
  const stranger = named.find((name) => !placeholders.includes(name));
  if (stranger !== undefined) {
    const known = placeholders.map((name) => `{${name}}`).join(" and ");
    throw new Error(`a URL holds a placeholder that does not exist: there ${known === "" ? "is none" : `is ${known}`}`);
  }
  const hosts = ["a", "b"].map((filler) => URL.parse(url.replaceAll(PLACEHOLDER, filler))?.host);
  if (hosts[0] === undefined || hosts[0] === "") throw new Error("a URL cannot be read");
  if (hosts[0] !== hosts[1]) throw new Error("a placeholder may stand in a URL's path and query only");
  return isPut || named.length > 0 ? { kind: "object", url } : { kind: "webhook", url };
}

/** The URL for one notice. Throws where the notice lacks a field that it names. */
export function fillUrl(url: string, data: Readonly<Record<string, unknown>>): string {
  return url.replaceAll(PLACEHOLDER, (_, name: string) => {
    const value = data[name];
    if (typeof value !== "string" && typeof value !== "number") throw new Error(`the notice has no "${name}"`);
    return encodeURIComponent(value);
  });
}

/** For people and logs: a URL's host alone, as the rest may be a secret. */
export function nameTarget(target: Target): string {
  switch (target.kind) {
    case "file":
      return target.path;
    case "log":
      return "log";
    case "mail":
      return `mailto:${target.address}`;
    case "object":
    case "webhook": {
      const url = URL.parse(target.url.replaceAll(PLACEHOLDER, "x"));
      const start = url === null ? "(a URL)" : `${url.protocol}//${url.host}`;
      const rest = url === null || (url.pathname === "/" && url.search === "") ? "" : "/…";
      return `${target.kind === "object" ? "put+" : ""}${start}${rest}`;
    }
    default:
      return target satisfies never;
  }
}

/** What of a target must not be logged. */
export function listTargetSecrets(target: Target): string[] {
  if (target.kind !== "object" && target.kind !== "webhook") return [];
  const url = URL.parse(target.url.replaceAll(PLACEHOLDER, "x"));
  return [target.url, url?.password ?? "", url?.search.slice(1) ?? ""].filter((secret) => secret !== "");
}
