// The kinds of value a setting can hold, as zod types from the file's words to ours. Knows no key, file or layer.

import * as z from "zod";
import { normalizeRange } from "../lib/address.ts";
import { parseDuration } from "../lib/duration.ts";
import { findNearest } from "../lib/nearest.ts";
import { findUnseen } from "../lib/unseen.ts";
import { readTarget, splitTargets, type Target } from "../notice/index.ts";
import { isAddressLike, isDsn, faultDsn } from "./dsn.ts";
import { quote } from "./problem.ts";

/** 24 days; setTimeout takes anything longer for 1 ms, so longer durations are cut to this. */
export const LONGEST_MS = 2 ** 31 - 1;

class Refusal extends Error {}

/** Throws no zod error: `message` is for the operator, and holds the value unless the type is `secret` or a URL. */
export function parseText<T>(type: z.ZodType<T, string>, text: string): { value: T } | { message: string } {
  const result = type.safeParse(text);
  if (result.success) return { value: result.data };
  return { message: result.error.issues.map((issue) => issue.message).join("; ") };
}

export const plain = z.string();

export const boolean = define(
  (text) => {
    const word = text.toLowerCase();
    if (["1", "true", "yes", "on"].includes(word)) return true;
    if (["0", "false", "no", "off"].includes(word)) return false;
    throw new Refusal(`${quote(text)} is neither yes (1, true, yes, on) nor no (0, false, no, off)`);
  },
  ["yes", "no"],
);

const UNIT_MS: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  ms: 1,
  ns: 1e-6,
  s: 1000,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
};

/** Go's syntax, in milliseconds: `720h`, `1h30m`, `250ms`; a bare `0` too. `bareMs`: what a bare number counts, for old files. */
export function defineDuration(options: { bareMs?: number; zeroMs?: number } = {}) {
  return define((text) => {
    const bare = /^\d+$/.test(text) ? Number(text) : null;
    if (bare !== null && bare !== 0 && options.bareMs === undefined) {
      throw new Refusal(`${quote(text)} needs a unit, such as ${quote(`${text}s`)}`);
    }
    const ms = bare === null ? sumDuration(text) : bare * (options.bareMs ?? 0);
    return ms === 0 ? (options.zeroMs ?? 0) : Math.min(Math.max(1, Math.round(ms)), LONGEST_MS);
  });
}

/** `off` is 0. */
export const durationOrOff = define((text) => {
  if (/^(?:off|no|0)$/iu.test(text)) return 0;
  return Math.min(Math.max(1, Math.round(sumDuration(text))), LONGEST_MS);
});

function sumDuration(text: string): number {
  const part = /(\d+(?:\.\d*)?|\.\d+)(h|ms|m|ns|s|us|µs|μs)/y;
  let total = 0;
  if (text === "") throw new Refusal("a duration is missing");
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (found === null) throw new Refusal(`${quote(text)} is no duration: write it like 1h30m, 5s or 250ms`);
    total += Number(found[1]) * (UNIT_MS[found[2] ?? ""] ?? 0);
  }
  return total;
}

/** How long something is kept, in milliseconds: `90d`, `52w`, `12h`; 0: for ever. */
export const age = define((text) => {
  const ms = parseDuration(text);
  if (ms !== null && Number.isSafeInteger(ms)) return ms;
  throw new Refusal(`${quote(text)} is no length of time: write it like 90d, 12h or 52w; 0 is for ever`);
});

const UNIT_BYTES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  gb: 1e9,
  gib: 2 ** 30,
  kb: 1e3,
  kib: 2 ** 10,
  mb: 1e6,
  mib: 2 ** 20,
};

/** Bytes: `16MiB`, `16MB`, `1048576`. */
export const size = define((text) => {
  const found = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = UNIT_BYTES[found?.[2]?.toLowerCase() ?? ""];
  if (found === null || unit === undefined) {
    throw new Refusal(`${quote(text)} is no size: write it like 16MiB, 16MB or 16777216`);
  }
  const bytes = Math.floor(Number(found[1]) * unit);
  if (bytes < 1 || bytes > Number.MAX_SAFE_INTEGER) throw new Refusal(`${quote(text)} is out of range`);
  return bytes;
});

/** As many as the machine has cores, or so many. */
export const workers = define((text): number | "auto" => {
  if (text.toLowerCase() === "auto") return "auto";
  const number = /^\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= 1 && number <= MOST_WORKERS)) {
    throw new Refusal(`${quote(text)} is neither auto nor a whole number from 1 to ${MOST_WORKERS}`);
  }
  return number;
});

/** Each has a journal beside the ledger's file, of which there may be 64. */
const MOST_WORKERS = 48;

export function defineInteger(least: number, most: number) {
  return define((text) => {
    const number = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new Refusal(`${quote(text)} is no whole number from ${least} to ${most}`);
    }
    return number;
  });
}

/** `synonyms`: what may be written as well, and what it means; `hints`: what may not, and what was meant most likely. */
export function defineChoice<const T extends string>(
  choices: readonly T[],
  synonyms: Readonly<Record<string, T>> = {},
  hints: Readonly<Record<string, T>> = {},
) {
  return define((text): T => {
    const word = text.toLowerCase();
    const choice =
      choices.find((candidate) => candidate === word) ?? (Object.hasOwn(synonyms, word) ? synonyms[word] : undefined);
    if (choice === undefined) throw refuseWord(text, choices, Object.hasOwn(hints, word) ? hints[word] : undefined);
    return choice;
  }, choices);
}

function refuseWord(word: string, choices: readonly string[], meant?: string): Refusal {
  const near = meant ?? findNearest(word, choices, 1)[0];
  const hint = near === undefined ? "" : ` — did you mean "${near}"?`;
  return new Refusal(`${quote(word)} is not one of ${choices.join(", ")}${hint}`);
}

/** Some of the choices, separated by commas; written back with single commas. */
export function defineList(choices: readonly string[]) {
  return define((text) => {
    const words = text
      .toLowerCase()
      .split(",")
      .map((word) => word.trim())
      .filter((word) => word !== "");
    const wrong = words.find((word) => !choices.includes(word));
    if (wrong !== undefined) throw refuseWord(wrong, choices);
    if (words.length === 0) throw new Refusal(`at least one of ${choices.join(", ")} is needed`);
    return [...new Set(words)].join(",");
  }, choices);
}

/** Ranges of IP addresses, separated by commas. */
export const ranges = define((text) => {
  const words = text
    .split(",")
    .map((word) => word.trim())
    .filter((word) => word !== "");
  return [
    ...new Set(
      words.map((word) => {
        const range = normalizeRange(word);
        if (range === null) throw new Refusal(`${quote(word)} is no range of IP addresses: write it like 10.0.0.0/8`);
        return range;
      }),
    ),
  ];
});

/** What becomes part of an address, and must not make another one of it. */
export function definePart(form: RegExp, example: string) {
  return define((text) => {
    if (form.test(text)) return text;
    throw new Refusal(`${quote(text)} cannot be part of an address: write it like ${example}`);
  });
}

/** Names that lead to names, separated by commas: `a=>b, c=>d`; written back without spaces. */
export const map = define((text) => {
  const pairs = text.split(",").filter((pair) => pair.trim() !== "");
  return pairs
    .map((pair) => {
      const [, from, to] = /^\s*([^\s=>]+)\s*=>?\s*([^\s=>]+)\s*$/.exec(pair) ?? [];
      if (from === undefined || to === undefined)
        throw new Refusal(`${quote(pair.trim())} is no pair of names: write it like model=>deployment`);
      return `${from}=>${to}`;
    })
    .join(",");
});

export interface Address {
  hostname: string | null;
  port: number;
}

/** `:8081`, `8081`, `127.0.0.1:9000`, `[::1]:8081`, `localhost:8081`. */
export const address = define((text): Address => {
  const found = /^(?:\[([0-9a-f:.%]+)\]:|([^\s:/[\]@]*):)?(\d{1,5})$/i.exec(text);
  const port = Number(found?.[3]);
  if (found === null)
    throw new Refusal(`${quote(text)} is no address: write it like :8081, 127.0.0.1:8081 or [::1]:8081`);
  if (port > 65_535) throw new Refusal(`${quote(text)} has a port above 65535`);
  const hostname = found[1] ?? found[2] ?? "";
  return { hostname: hostname === "" || hostname === "*" ? null : hostname, port };
});

/** An identity provider, exactly as it calls itself. Plain http:// only at this machine: on the way anybody could answer in its place. */
export const issuer = define((text) => {
  const url = URL.parse(text);
  if (url === null || !/^https?:\/\//u.test(text)) throw new Refusal(`${quote(text)} is no https:// URL`);
  if (url.protocol === "http:" && !/^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/u.test(url.hostname)) {
    throw new Refusal("an identity provider is asked by https:// alone, unless it is on this machine");
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    throw new Refusal("the issuer must hold no credentials, query or fragment");
  }
  return text;
});

/** `example.com, example.org`, or `*` alone; in lower case, in the form that DNS knows, with single commas. */
export const domains = define((text) => {
  if (text.trim() === "*") return "*";
  const all = text.split(",").map((part) => part.trim().replace(/^@/u, "").toLowerCase());
  const wrong = all.find((part) => !/^(?:[\p{L}\p{N}_-]+\.)*[\p{L}\p{N}_-]+$/u.test(part));
  if (wrong !== undefined) {
    throw new Refusal(
      `${quote(wrong)} is no domain: write them like example.com, example.org; * alone is every domain`,
    );
  }
  return [...new Set(all.map((part) => URL.parse(`http://${part}`)?.hostname ?? part))].join(",");
});

/** Words that a provider knows, with single spaces; `openid` is always among them. */
export const scopes = define((text) => {
  const words = text.split(/[\s,]+/u).filter((word) => word !== "");
  const wrong = words.find((word) => !/^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/u.test(word));
  if (wrong !== undefined) throw new Refusal(`${quote(wrong)} is no scope`);
  return [...new Set(["openid", ...words])].join(" ");
});

/** A few words for a button. */
export const title = define((text) => {
  if (text.length > 60 || findUnseen(text) !== null) throw new Refusal("a name of at most 60 characters is needed");
  return text;
});

/** A provider's base URL, without its trailing slash. Never repeated in a message: it may carry a password. */
export const baseUrl = define((text) => {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "http:" && url.protocol !== "https:") || !/^https?:\/\//i.test(text)) {
    throw new Refusal("this is no http:// or https:// URL");
  }
  if (url.username !== "" || url.password !== "")
    throw new Refusal("the URL must not hold credentials: use api_key or a header");
  if (url.search !== "" || url.hash !== "" || text.endsWith("?") || text.endsWith("#")) {
    throw new Refusal("the URL must not have a query or a fragment");
  }
  return text.replace(/\/+$/, "");
});

/** A file's path, or a PostgreSQL DSN, whose scheme becomes `postgres:`. Never repeated in a message: it may carry a password. */
export const database = define((text) => {
  if (isDsn(text)) {
    const dsn = text.replace(/^[a-z]+/i, "postgres");
    const fault = faultDsn(dsn);
    if (fault === null) return dsn;
    throw new Refusal(`this postgres:// URL ${fault}`);
  }
  if (isAddressLike(text)) {
    throw new Refusal("this is neither a file's path nor a postgres:// URL; a path with a colon in it begins with ./");
  }
  return text;
});

/** Never repeated in a message: it may carry a password. */
export const redis = define((text) => {
  if (!/^rediss?:\/\//iu.test(text)) throw new Refusal("this is no redis:// or rediss:// URL");
  const url = URL.parse(text);
  if (url === null || url.hostname === "")
    throw new Refusal("this Redis URL cannot be read: special characters of a password must be %-encoded");
  if (!/^\/?\d{0,4}$/u.test(url.pathname)) throw new Refusal("of a Redis URL, the path is the number of its database");
  return text;
});

export const email = define((text) => {
  if (!/^[^\s@]+@[^\s@]+$/.test(text)) throw new Refusal(`${quote(text)} is no e-mail address`);
  return text.toLowerCase();
});

/** `gateway@example.com`, or `Gateway <gateway@example.com>`. */
export const sender = define((text) => {
  const [, name = "", address = text] = /^([^<>]*)<([^<>]*)>$/u.exec(text) ?? [];
  if (!/^[^\s@,;<>]+@[^\s@,;<>]+$/u.test(address)) throw new Refusal(`${quote(text)} is no e-mail address`);
  if (/[\p{Cc}@,;:"\\()[\]]/u.test(name)) throw new Refusal(`${quote(name.trim())} cannot be shown as a sender's name`);
  return name.trim() === "" ? address.toLowerCase() : `${name.trim()} <${address.toLowerCase()}>`;
});

/** `12.5`: a decimal from 0 to 100, in the operator's own words, as money is reckoned exactly. */
export const percent = define((text) => {
  const digits = text.replace(/\s*%$/u, "");
  if (/^\d{1,3}(?:\.\d{1,9})?$/u.test(digits) && Number(digits) <= 100) return digits;
  throw new Refusal(`${quote(text)} is no percentage: write a number from 0 to 100, such as 12.5`);
});

/** What becomes of calls whose price nobody knows. */
export const unknownPrice = defineChoice(["allow", "warn", "refuse"]);

/** A day, which begins at midnight UTC, or a moment. */
export const moment = define((text) => {
  const isMoment = /^\d{4}-\d{2}-\d{2}(?:[Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:[Zz]|[+-]\d{2}:\d{2}))?$/u.test(text);
  const at = new Date(text.toUpperCase());
  const isReal = isMoment && !Number.isNaN(at.getTime()) && (text.length > 10 || at.toISOString().startsWith(text));
  if (isReal) return at;
  throw new Refusal(`${quote(text)} is no day: write it like 2026-01-31 or 2026-01-31T12:00:00Z`);
});

/** Of a server, without a port: `smtp.example.com`, `10.0.0.1`, `::1`. */
export const hostname = define((text) => {
  if (!/^[a-z0-9._:-]+$/iu.test(text) || /^[^:]*:[^:]*$/u.test(text)) {
    throw new Refusal(`${quote(text)} is no host: give its name or address alone, without a scheme or a port`);
  }
  return text;
});

/** Where notices go; the URLs may name these fields of a notice, as `{field}`. Never repeated in a message. */
export function defineTargets(placeholders: readonly string[]) {
  return define((text): readonly Target[] => {
    try {
      return splitTargets(text).map((part) => readTarget(part, placeholders));
    } catch (error) {
      throw new Refusal(error instanceof Error ? error.message : String(error));
    }
  });
}

/** A name that is safe as a folder, in a URL and in a route. */
export const name = define((text) => {
  if (!isName(text))
    throw new Refusal(`${quote(text)} is no name: use a-z, 0-9, - and _, beginning with a letter or digit`);
  return text;
});

export function isName(text: string): boolean {
  return /^[a-z0-9][a-z0-9_-]{0,63}$/.test(text);
}

/** What an HTTP header can carry, which all secrets are sent in. Never repeated in a message. */
export const headerText = define((text) => {
  if (!/^[\x20-\x7e\x80-\xff]*$/.test(text)) throw new Refusal("it holds characters that no HTTP header can carry");
  return text;
});

/** Text as it is, where it passes. Never repeated in a message. */
export function defineChecked(passes: (text: string) => boolean, message: string) {
  return define((text) => {
    if (!passes(text)) throw new Refusal(message);
    return text;
  });
}

/** The words of which a value of this type is one, or, of a list, some; empty where there are too many to say. */
export function listChoices(type: z.ZodType): readonly string[] {
  const { choices } = type.meta() ?? {};
  return Array.isArray(choices) ? choices.map(String) : [];
}

function define<T>(read: (text: string) => T, choices: readonly string[] = []) {
  const type = z.string().transform((text, context): T => {
    try {
      return read(text);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  });
  return choices.length === 0 ? type : type.meta({ choices });
}
