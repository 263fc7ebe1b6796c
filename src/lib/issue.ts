// What a schema has against a value, in words that say what would do. Knows no value: what stands in it is never repeated, for it may be a key.

import type { z } from "zod";

/** Of an issue that was made with `reportInput`; `expected a list, and it is text`. */
export function wordIssue(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return expect(nameType(issue.expected), issue.input);
    case "invalid_union":
      return wordUnion(issue);
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "invalid_format":
      return `expected ${FORMATS[issue.format] ?? "text of another form"}`;
    case "too_small":
      return `expected ${printBound(issue.origin, issue.minimum, issue.inclusive === false ? "more than" : "at least")}`;
    case "too_big":
      return `expected ${printBound(issue.origin, issue.maximum, issue.inclusive === false ? "less than" : "at most")}`;
    case "not_multiple_of":
      return `expected a multiple of ${issue.divisor}`;
    case "invalid_key":
    case "invalid_element":
      return issue.issues.map(wordIssue).join("; ");
    case "unrecognized_keys":
    case "custom":
      return issue.message;
    default:
      return issue satisfies never;
  }
}

/** Where each of several forms would do, all of them. */
function wordUnion(issue: z.core.$ZodIssueInvalidUnion): string {
  const options = issue.errors.map(([first]) => first);
  const names = options.map((option) => (option?.code === "invalid_type" ? nameType(option.expected) : null));
  if (options.some((option) => option === undefined || option.path.length > 0) || names.includes(null)) {
    const deepest = options.find((option) => option !== undefined && option.code !== "invalid_type");
    return deepest === undefined ? issue.message : wordIssue(deepest);
  }
  return expect([...new Set(names)].join(" or "), issue.input);
}

function expect(what: string, input: unknown): string {
  return input === undefined ? `it is missing: expected ${what}` : `expected ${what}, and it is ${nameInput(input)}`;
}

const TYPES: Readonly<Record<string, string>> = {
  array: "a list",
  boolean: "true or false",
  int: "a whole number",
  null: "null",
  number: "a number",
  object: "an object",
  record: "an object",
  string: "text",
};

function nameType(expected: string): string {
  return TYPES[expected] ?? expected;
}

function nameInput(input: unknown): string {
  if (input === null) return "null";
  if (Array.isArray(input)) return "a list";
  switch (typeof input) {
    case "boolean":
      return String(input);
    case "number":
      return Number.isInteger(input) ? "a number" : "a number with a fraction";
    case "string":
      return "text";
    default:
      return "an object";
  }
}

const FORMATS: Readonly<Record<string, string>> = {
  date: "a date such as 2026-12-31",
  datetime: "a date and time such as 2026-12-31T00:00:00Z",
  email: "an e-mail address such as ada@example.com",
  url: "an address such as https://example.com",
  uuid: "an id such as 019ac1f2-7a3b-7c4d-8e5f-6a7b8c9d0e1f",
};

function printBound(origin: string, bound: bigint | number, how: string): string {
  if (origin === "string") return `${how} ${bound} characters`;
  if (origin === "array" || origin === "set") return `${how} ${bound} entries`;
  return `${how} ${bound}`;
}
