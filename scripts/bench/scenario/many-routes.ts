// Very many routes of all kinds, and models that they lead on: those that come first, in the middle and last, and each of them by turns. All names
// are equally long, so that requests differ in nothing else. Knows no measurement.

const TARGET = "openai/gpt-4o-mini";
/** Who asks. */
const OWN = "bench@example.com";

/** Names that lie in the way of each number of routes. */
const NAMES = 5_000;

export const FIRST = nameModel(0);
export const MIDDLE = nameModel(2);
export const LAST = "scale-last-00000-last";
/** One whose routes are for a user each. */
export const SHARED = "scale-user-00000-user";
export const EACH: readonly string[] = Array.from({ length: NAMES }, (_, index) => nameModel(index));
/** Of a built-in route. */
export const STRANGERS: readonly string[] = Array.from(
  { length: 2 * NAMES },
  (_, index) => `gpt-4o-mini-${String(index).padStart(5, "0")}`,
);

function nameModel(index: number): string {
  const digits = String(index).padStart(5, "0");
  return `scale-${digits}-zz-${digits}-z`;
}

/** Sections of a configuration with so many routes; each of the names above is led on by one of them. */
export function printRoutes(count: number): string[] {
  if (count === 1) return ["[routes]", `scale-* = ${TARGET}`];
  const byName = Math.floor(count / 2);
  const patterns = byName === NAMES ? EACH.map(choosePattern).slice(1) : listPrefixes(byName);
  // Beside the first, the last, and the one for anybody.
  const users = count - patterns.length - 3;
  return [
    "[routes]",
    // The fewest letters of all: it comes after all others.
    `scale-l* = ${TARGET}`,
    ...patterns.map((pattern) => `${pattern} = ${TARGET}`),
    "[route.first]",
    `match = ${FIRST}`,
    `targets = ${TARGET}`,
    "endpoint = chat.completions",
    ...Array.from({ length: users }, (_, index) => {
      return printUser(index, index === Math.floor(users / 2) ? OWN : `user${index}@example.com`);
    }).flat(),
    "[route.anybody]",
    `match = ${SHARED}`,
    `targets = ${TARGET}`,
  ];
}

/** A name in full, what it begins with, what it ends with, and what is in it. */
function choosePattern(name: string, index: number): string {
  const middle = name.slice(12, -2);
  return [name, `${name.slice(0, 12)}*`, `*${name.slice(14)}`, `*${middle}*`][index % 4] ?? name;
}

/** So many that together are all of the names. */
function listPrefixes(count: number): string[] {
  const each = NAMES / count;
  if (!Number.isInteger(Math.log10(each)))
    throw new Error(`${count} names cannot be told apart by their first digits.`);
  const digits = 5 - Math.log10(each);
  return Array.from({ length: count }, (_, index) => `scale-${String(index).padStart(digits, "0")}*`);
}

function printUser(index: number, email: string): string[] {
  return [`[route.user-${index}]`, `match = ${SHARED}`, `targets = ${TARGET}`, `user = ${email}`];
}
