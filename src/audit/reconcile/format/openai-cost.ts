// OpenAI's money: pages of the Costs API (`/v1/organization/costs`), and what the dashboard exports of them as CSV.

import { checkDollars, readCount, readDay, readMoney } from "../cell.ts";
import { type Format, type MoneyPart, type TokenPart, readCell, readKey, readName } from "../line.ts";

const KNOWN =
  /^(?:object|start_time|end_time|start_time_iso|end_time_iso|amount_value|amount_currency|quantity|quantity_unit|line_item|project_id|project_name|organization_id|organization_name|user_id|user_email|api_key_id|api_key_name|api_key_redacted|api_source)$/u;

export const openaiCost: Format = {
  title: "OpenAI costs",
  biller: "openai",
  source: "https://platform.openai.com/docs/api-reference/usage/costs",
  owns: (columns) => columns.has("start_time") && columns.has("amount_value"),
  knows: (column) => KNOWN.test(column),
  zone: "UTC",
  roundingNanos: 1n,
  read(row, zone) {
    // A bucket in which nothing was spent.
    if (readCell(row, "amount_value") === "") return [];
    checkDollars(row, "amount_currency");
    const { model, part } = readLineItem(readName(row, "line_item"));
    const isTokens = /token/iu.test(readCell(row, "quantity_unit")) && isTokenPart(part);
    return [
      {
        day: readDay(row, "start_time", zone),
        model,
        key: readKey(row, "api_key_id", "api_key_name", "api_key_redacted"),
        requests: null,
        tokens: isTokens ? { [part]: readCount(row, "quantity") } : {},
        money: { [part]: readMoney(row, "amount_value") },
      },
    ];
  },
};

/** Calls of its own tools stand apart from the models that made them. */
const TOOLS = /\b(?:web|file) search\b|\bcode interpreter\b|\btool calls?\b/iu;

/** `priority | gpt-5.6-sol, cached input, long context` and `gpt-audio-2025-08-28 audio, input`: the model, and what of it. */
const ITEM = /^(?:[a-z]+ \| )?(?<model>[^,]+?)(?: (?:audio|image|text|video))?,(?<words>.*)$/iu;

function readLineItem(item: string | null): { model: string | null; part: MoneyPart } {
  if (item !== null && TOOLS.test(item)) return { model: item, part: "tools" };
  const { model, words = "" } = ITEM.exec(item ?? "")?.groups ?? {};
  return model === undefined
    ? { model: item, part: "all" }
    : { model: model.trim(), part: readPart(words.toLowerCase()) };
}

function readPart(words: string): MoneyPart {
  if (words.includes("output")) return "output";
  if (/cach.*writ|writ.*cach/u.test(words)) return "cacheWrite";
  if (words.includes("cach")) return "cacheRead";
  return words.includes("input") ? "fresh" : "other";
}

function isTokenPart(part: MoneyPart): part is MoneyPart & TokenPart {
  return part === "fresh" || part === "cacheRead" || part === "cacheWrite" || part === "output";
}
