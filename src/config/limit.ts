// Rate limits: what `[limit.NAME]` may say, and what it means. The same rules hold for limits that are set while the gateway runs. Knows no database.

import type { Limit, LimitSubject } from "../gateway/limit/model.ts";
import { findUnseen, sayUnseen } from "../lib/unseen.ts";
import { printOrigin, quote } from "./problem.ts";
import type { Reading } from "./read.ts";

/** As the command `admin limits set` takes them; sorted. */
export const LIMIT_SETTINGS = {
  concurrent: { about: "Requests at once", example: "10" },
  key: { about: "Only calls with this API key, by its id", example: "019ac1f2-7a3b-7c4d-8e5f-6a7b8c9d0e1f" },
  model: { about: "Only calls of such models; * stands for anything", example: "gpt-4o*" },
  per: { about: "key, user, model or provider, or several of them: each has the limit for itself", example: "key" },
  provider: { about: "Only calls to this provider", example: "openai" },
  requests_per_minute: { about: "Requests in a minute, which begins with the first of them", example: "60" },
  tokens_per_minute: { about: "Tokens of input and output, likewise", example: "100000" },
  user: { about: "Only calls of this user, by e-mail or id", example: "ada@example.com" },
} as const satisfies Record<string, { about: string; example: string }>;

type LimitField = keyof typeof LIMIT_SETTINGS;

export const LIMIT_FIELDS = Object.keys(LIMIT_SETTINGS) as readonly LimitField[];

export interface LimitFault {
  field: string;
  message: string;
}

/** What one limit says; null where something is wrong with it. */
export interface ReadLimit {
  limit: Limit | null;
  faults: LimitFault[];
}

const SUBJECTS = ["key", "model", "provider", "user"] as const satisfies readonly LimitSubject[];
const COUNTS = ["requests_per_minute", "tokens_per_minute", "concurrent"] as const;
const MAX_LENGTH = 200;
const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/u;

/** `fields` by name, as they were written. */
export function readLimit(name: string, fields: ReadonlyMap<string, string>): ReadLimit {
  const faults: LimitFault[] = [];
  if (!NAME.test(name)) {
    const message =
      "a limit's name consists of a-z, 0-9, - and _, at most 64 of them, and begins with a letter or a digit";
    faults.push({ field: "name", message });
  }
  for (const field of fields.keys()) {
    if (LIMIT_FIELDS.some((known) => known === field)) continue;
    faults.push({ field, message: `there is no such field; there are ${LIMIT_FIELDS.join(", ")}` });
  }
  const word = (field: LimitField): string | null => {
    const text = fields.get(field)?.trim() ?? "";
    if (text === "") return null;
    const unseen = findUnseen(text);
    if (text.length <= MAX_LENGTH && unseen === null) return text;
    const message = unseen === null ? `it has at most ${MAX_LENGTH} characters` : `it cannot hold ${sayUnseen(unseen)}`;
    faults.push({ field, message });
    return null;
  };
  const count = (field: (typeof COUNTS)[number]): number | null => {
    const text = word(field);
    if (text === null || /^[1-9]\d{0,11}$/u.test(text)) return text === null ? null : Number(text);
    faults.push({
      field,
      message: `${quote(text)} is no whole number from 1 to 999999999999; without the field there is no limit`,
    });
    return null;
  };
  const limit: Limit = {
    name,
    requests: count("requests_per_minute"),
    tokens: count("tokens_per_minute"),
    slots: count("concurrent"),
    per: readSubjects(word("per"), faults),
    key: word("key"),
    user: word("user")?.toLowerCase() ?? null,
    model: word("model"),
    provider: word("provider")?.toLowerCase() ?? null,
  };
  const isEmpty = COUNTS.every((field) => (fields.get(field)?.trim() ?? "") === "");
  if (isEmpty) {
    const message = `it limits nothing: say ${COUNTS.join(", ")}, one or several`;
    faults.push({ field: COUNTS[0], message });
  }
  return faults.length > 0 ? { limit: null, faults } : { limit, faults };
}

/** Sorted, each once. */
function readSubjects(text: string | null, faults: LimitFault[]): LimitSubject[] {
  const words = (text ?? "")
    .toLowerCase()
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
  const stray = words.find((each) => !SUBJECTS.some((known) => known === each));
  if (stray !== undefined) {
    faults.push({ field: "per", message: `${quote(stray)} is none of ${SUBJECTS.join(", ")}` });
  }
  return SUBJECTS.filter((subject) => words.includes(subject));
}

/** A limit of the configuration, and where it is declared. */
export interface DeclaredLimit {
  limit: Limit;
  origin: string;
}

export function readDeclaredLimits(reading: Reading): DeclaredLimit[] {
  const { problems, sections } = reading.gathered;
  return [...sections.limit].flatMap(([name, draft]) => {
    for (const [field, { text, origin }] of draft.fields) {
      const key = `limit.${name}.${field}`;
      reading.effective.push({ key, value: text, origin: printOrigin(origin), secret: false });
    }
    const fields = new Map([...draft.fields].map(([field, { text }]) => [field, text]));
    const { limit, faults } = readLimit(name, fields);
    for (const { field, message } of faults) {
      const origin = draft.fields.get(field)?.origin ?? draft.origin;
      problems.push({ ...origin, key: field, message: `[limit.${name}]: ${field}: ${message}`, suggestion: null });
    }
    return limit === null ? [] : [{ limit, origin: printOrigin(draft.origin) }];
  });
}
