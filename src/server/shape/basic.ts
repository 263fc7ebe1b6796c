// What many answers are made of. Knows no answer.

import { z } from "zod";

export const TIME = z.iso.datetime();
export const MAYBE_TIME = TIME.nullable();
export const TEXT = z.string();
export const MAYBE_TEXT = z.string().nullable();
export const COUNT = z.int().min(0);
export const MAYBE_COUNT = COUNT.nullable();
export const TEXTS = z.array(z.string());
/** With as many digits as there are. */
export const USD = z.string().describe("US dollars, as a decimal number");
export const MAYBE_USD = USD.nullable();
/** Of corrections it may be below zero. */
export const NANOS = z.int().describe("US dollars, in billionths");
export const ANY_OBJECT = z.looseObject({});
