// Books what an answer reports of its cost, whether it came whole or in events. Knows no family by name.

import { type JsonObject, type Units, type Usage, joinUnits, joinUsage, keepLarger } from "../../ir/index.ts";
import { createTokenEstimate } from "../../ledger/index.ts";
import { type Metered, type RestEntry, type RestFamily, meterAnswer, readSaid } from "../../wire/index.ts";
import { countOn } from "../tally.ts";
import type { RestState } from "./state.ts";

/** What of a request decides how its answer is counted. */
export interface Meter {
  family: RestFamily | null;
  entry: RestEntry;
  /** False for objects: what they say of tokens is not the cost of this request. */
  counts: boolean;
}

export function bookAnswer(state: RestState, { family, entry, counts }: Meter, answer: JsonObject | null): void {
  const { record, intake, plan } = state;
  const price = family !== null && plan.provider.rest?.free?.includes(family) === true ? "free" : "list";
  const nothing = { model: null, usage: null, units: null, report: null, source: "none", price } as const;
  if (!counts) return record.measured(nothing);
  const metered: Metered = answer === null ? nothing : read(entry, answer);
  if (entry.readText !== undefined && answer !== null) {
    const { readText } = entry;
    return record.answered({ ...metered, text: () => readText(answer) });
  }
  if (metered.usage !== null || metered.units !== null) {
    return record.measured({ ...metered, source: "provider", price });
  }
  const counted = answer === null ? null : (entry.count?.(answer) ?? null);
  if (counted !== null) return record.measured({ ...metered, units: counted, source: "provider", price });
  const asked = intake.json === null ? null : (entry.countRequest?.(intake.json) ?? null);
  record.measured({ ...metered, units: asked, source: asked === null ? "none" : "estimate", price });
}

function read({ complete }: RestEntry, answer: JsonObject): Metered {
  const metered = meterAnswer(answer);
  return complete?.(metered) ?? metered;
}

/** `isFinal`: figures in it are the last. `isWhole` is false where the stream was cut. */
export interface EventMeter {
  see(event: JsonObject, isFinal: boolean): void;
  book(isWhole: boolean): void;
}

/**
 * The figures of a stream's events: summed where each stands for a part of its own; else totals so far, of which the largest counts. Where they are not the
 * last word, what was said behind them is counted on from there.
 */
export function createEventMeter(state: RestState, meter: Meter): EventMeter {
  const { entry } = meter;
  if (entry.readText !== undefined) return createTextMeter(state, entry.readText);
  const said = createTokenEstimate();
  let told = 0;
  let last: "final" | "said" | "so far" = "said";
  let usage: Usage | null = null;
  let units: Units | null = null;
  let model: string | null = null;
  let report: JsonObject | null = null;
  return {
    see(event, isFinal) {
      const seen = read(entry, event);
      report = seen.report ?? report;
      model = seen.model ?? model;
      const isPart = typeof event["type"] === "string" && event["type"].endsWith(".completed");
      const join = isPart ? joinUsage : keepLarger;
      const before = usage?.outputTokens ?? 0;
      usage = usage === null || seen.usage === null ? (usage ?? seen.usage) : join(usage, seen.usage);
      units = joinUnits(units, seen.units, isPart ? undefined : Math.max);
      const text = readSaid(event);
      said.add(text);
      if ((usage?.outputTokens ?? 0) > before) told = said.tokens();
      if (seen.usage !== null) last = isFinal ? "final" : "so far";
      else if (text !== "") last = "said";
    },
    book(isWhole) {
      if (!meter.counts || (usage === null && units === null)) return bookAnswer(state, meter, null);
      const figures = { model, units, report, price: "list" } as const;
      if (usage === null || last === "final" || (isWhole && last === "so far"))
        return state.record.measured({ ...figures, usage, source: "provider" });
      const counted = countOn(usage, { said: said.tokens(), told });
      state.record.measured({ ...figures, usage: counted, source: "estimate" });
    },
  };
}

/** A stream of text is booked as one of chat is: what was cut is estimated. */
function createTextMeter({ record }: RestState, readText: (event: JsonObject) => string): EventMeter {
  let isStarted = false;
  let isRead = true;
  let report: JsonObject | null = null;
  return {
    see(event) {
      const { usage, model, ...seen } = meterAnswer(event);
      if (seen.report !== null) isRead = usage !== null;
      report = seen.report ?? report;
      if (!isStarted) record.observed({ type: "start", id: "", model: model ?? "", createdAt: null, extra: {} });
      isStarted = true;
      const text = readText(event);
      if (text !== "") record.observed({ type: "part-delta", choice: 0, part: 0, text });
      if (usage !== null) record.observed({ type: "usage", usage });
    },
    book(isWhole) {
      record.reported(report);
      if (isWhole) record.observed({ type: "finish", ...(isRead ? {} : { isUncounted: true }) });
    },
  };
}
