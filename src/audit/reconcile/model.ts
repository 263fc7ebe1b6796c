// Names of models, as exports and answers spell them, brought together: with vendor or without, dated or not, as a name or as a title.
// Knows no vendor.

export interface ModelName {
  /** The same for all spellings of a model. */
  base: string;
  /** Of a dated name, its month and day, or its version; null where it has none. */
  date: string | null;
}

const REGION = /^(?:us|eu|apac|au|jp|ca|global)\.(?=[a-z])/u;
const VENDOR = /^[a-z0-9-]+\.(?=[a-z])/u;
const DATE = /[-@ ](?:(?:20)?\d{2}-?(?<date>\d{2}-?\d{2})|(?<short>\d{2}-?\d{2}|\d{3}))$/u;

/** `openai/gpt-4o-2024-08-06`, `us.anthropic.claude-sonnet-4-5-20250929-v1:0`, `Claude Sonnet 4.5`. */
export function parseModel(name: string): ModelName {
  let rest = name.trim().toLowerCase();
  rest = rest.slice(rest.lastIndexOf("/") + 1);
  rest = rest.replace(REGION, "").replace(VENDOR, "");
  rest = rest.replace(/-v\d+(?::\d+)?$/u, "").replace(/-latest$/u, "");
  const found = DATE.exec(rest);
  const date = (found?.groups?.["date"] ?? found?.groups?.["short"])?.replace("-", "") ?? null;
  if (found !== null) rest = rest.slice(0, found.index);
  const pieces = rest
    .replaceAll(/(\d)\.0(?!\d)/gu, "$1")
    .split(/[^\p{L}\p{N}]+|(?<=\p{L})(?=\p{N})|(?<=\p{N})(?=\p{L})/u)
    .filter((piece) => piece !== "");
  const isNumber = (piece: string): boolean => /^\p{N}/u.test(piece);
  // Titles put the number elsewhere than names do, but numbers keep their order.
  const words = pieces.filter((piece) => !isNumber(piece)).toSorted();
  return { base: [...words, ...pieces.filter(isNumber)].join("-"), date };
}

/**
 * Which group each name belongs to. Within a model, dates keep groups apart only where every name on both sides has one: an undated name
 * may stand for any of them.
 */
export function groupModels(
  billed: Iterable<string>,
  booked: Iterable<string>,
  aliases: ReadonlyMap<string, string>,
): (name: string) => string {
  const isDated = new Map<string, boolean>();
  const parse = (name: string): ModelName => parseModel(aliases.get(name) ?? name);
  for (const name of [...billed, ...booked]) {
    const { base, date } = parse(name);
    isDated.set(base, (isDated.get(base) ?? true) && date !== null);
  }
  return (name) => {
    const { base, date } = parse(name);
    return isDated.get(base) === true ? `${base} ${date}` : base;
  };
}
