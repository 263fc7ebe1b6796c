// What prices are for: the price list's units, each a point in a space of directions, kinds and lifetimes, so that one may lie within
// another (cached sound within cached tokens within input). Knows no price. The words are the list's own:
// https://github.com/pydantic/genai-prices/blob/main/prices/units.yml

export interface PriceUnit {
  /** What is counted: `cache_read_tokens`. */
  name: string;
  /** What its price is called: `cache_read_mtok`. */
  priceKey: string;
  /** The price is for so many of them. */
  per: number;
  dimensions: Readonly<Record<string, string>>;
}

const MILLION = 1_000_000;
const MODALITIES = ["", "text", "audio", "image", "video"];

/** By the name of the price. */
export const PRICE_UNITS: ReadonlyMap<string, PriceUnit> = new Map(
  [...listTokenUnits(), ...listOtherUnits()].map((unit) => [unit.priceKey, unit]),
);

/** Whether everything that is counted as `inner` is counted as `outer`, too. */
export function liesWithin(inner: PriceUnit, outer: PriceUnit): boolean {
  if (inner === outer) return false;
  return Object.entries(outer.dimensions).every(([name, value]) => inner.dimensions[name] === value);
}

function listTokenUnits(): PriceUnit[] {
  return MODALITIES.flatMap((modality) => {
    const word = modality === "" ? "" : `${modality}_`;
    const make = (stem: string, dimensions: Record<string, string>): PriceUnit => ({
      name: `${stem}_tokens`,
      priceKey: `${stem}_mtok`,
      per: MILLION,
      dimensions: { family: "tokens", ...(modality === "" ? {} : { modality }), ...dimensions },
    });
    return [
      make(`input${word === "" ? "" : `_${modality}`}`, { direction: "input" }),
      make(`input_${word}tool`, { direction: "input", type: "tool" }),
      make(`cache_${word}read`, { direction: "input", type: "cache_read" }),
      make(`cache_${word}write`, { direction: "input", type: "cache_write" }),
      make(`cache_${word}write_5m`, { direction: "input", type: "cache_write", ttl: "5m" }),
      make(`cache_${word}write_1h`, { direction: "input", type: "cache_write", ttl: "1h" }),
      make(`output${word === "" ? "" : `_${modality}`}`, { direction: "output" }),
      make(`output_${word}reasoning`, { direction: "output", type: "reasoning" }),
      make(`output_${word}citation`, { direction: "output", type: "citation" }),
    ];
  });
}

function listOtherUnits(): PriceUnit[] {
  const make = (name: string, priceKey: string, per: number, dimensions: Record<string, string>): PriceUnit => ({
    name,
    priceKey,
    per,
    dimensions,
  });
  const count = (name: string, dimensions: Record<string, string>): PriceUnit =>
    make(name, `${name}_kcount`, 1_000, dimensions);
  return [
    make("audio_seconds", "audio_hours", 3_600, { family: "durations", modality: "audio" }),
    make("input_audio_seconds", "input_audio_hours", 3_600, {
      family: "durations",
      modality: "audio",
      direction: "input",
    }),
    make("output_audio_seconds", "output_audio_hours", 3_600, {
      family: "durations",
      modality: "audio",
      direction: "output",
    }),
    make("input_characters", "input_mchars", MILLION, { family: "characters", direction: "input" }),
    make("input_document_pages", "input_document_kpages", 1_000, { family: "document_pages", direction: "input" }),
    make("input_annotated_document_pages", "input_annotated_document_kpages", 1_000, {
      family: "document_pages",
      direction: "input",
      page: "annotated",
    }),
    make("input_pixels", "input_gpixels", 1_000_000_000, { family: "pixels", direction: "input" }),
    count("input_text_messages", { family: "messages", direction: "input", modality: "text" }),
    count("code_executions", { family: "tool_calls", tool: "code_execution" }),
    count("requests", { family: "requests" }),
    count("rerank_searches", { family: "rerank" }),
    count("social_searches", { family: "tool_calls", tool: "social_search" }),
    count("storage_searches", { family: "tool_calls", tool: "storage_search" }),
    count("web_searches", { family: "tool_calls", tool: "web_search" }),
  ];
}
