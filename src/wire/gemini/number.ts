// Numbers of a request as Google's servers read them: written as text they are the same. Knows no request.
// Source: https://protobuf.dev/programming-guides/json/

import { type Json, invalidRequest } from "../../ir/index.ts";

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/iu;

/** Undefined where there is none. Throws an invalid_request that names the field, such as `generation_config.top_k`, where it is anything else. */
export function readNumber(value: Json | undefined, path: string, isWhole = false): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = typeof value === "string" && NUMBER.test(value) ? Number(value) : value;
  const fits = isWhole ? Number.isInteger(number) : Number.isFinite(number);
  if (typeof number === "number" && fits) return number;
  throw wrongType(path, isWhole ? "a whole number" : "a number");
}

export function wrongType(path: string, expected: string): Error {
  return invalidRequest(`Invalid value at '${path}': ${expected} is expected.`, path);
}
