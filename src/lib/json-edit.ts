// Changes single members of a JSON object in its text, so that every other byte stays what the sender wrote. Knows no format.

interface Member {
  /** Index of the key's opening quote. */
  start: number;
  key: string;
  valueStart: number;
  /** Just behind the value. */
  valueEnd: number;
}

/**
 * Sets one member of the top-level object in `raw`, which must be the text of a JSON object that parses. Every occurrence of the key is
 * replaced, however it is spelled ("mod\u0065l"), so that a duplicate cannot smuggle in another value; a missing key is added at the
 * end. `valueJson` is inserted as it is. All other bytes stay.
 */
export function setTopLevel(raw: string, key: string, valueJson: string): string {
  let edited = "";
  let copied = 0;
  let found = false;
  const rest = scanMembers(raw, (member) => {
    if (member.key !== key) return;
    edited += raw.slice(copied, member.valueStart) + valueJson;
    copied = member.valueEnd;
    found = true;
  });
  if (found) return edited + raw.slice(copied);
  const comma = rest.isEmpty ? "" : ",";
  return `${raw.slice(0, rest.end)}${comma}${JSON.stringify(key)}:${valueJson}${raw.slice(rest.end)}`;
}

/** Takes every occurrence of one member out of the top-level object in `raw`, each with one comma. All other bytes stay. */
export function removeTopLevel(raw: string, key: string): string {
  const members: Member[] = [];
  const rest = scanMembers(raw, (member) => members.push(member));
  const isKept = (member: Member): boolean => member.key !== key;
  const first = members.findIndex(isKept);
  if (first === -1) {
    const start = members[0]?.start ?? rest.end;
    return raw.slice(0, start) + raw.slice(rest.end);
  }
  let edited = "";
  let copied = 0;
  for (const [index, member] of members.entries()) {
    if (isKept(member)) continue;
    // Before the first member that stays, the comma behind goes; after it, the comma in front.
    const from = index < first ? member.start : (members[index - 1]?.valueEnd ?? member.start);
    const to = index < first ? (members[index + 1]?.start ?? member.valueEnd) : member.valueEnd;
    edited += raw.slice(copied, from);
    copied = to;
  }
  return edited + raw.slice(copied);
}

/**
 * The first of `names` (lower case) that stands more than once among the top-level members of `raw`, in whatever case or spelling; null
 * where each stands once at most. Parsers differ on which of two they take.
 */
export function findRepeated(raw: string, names: readonly string[]): string | null {
  const seen = new Set<string>();
  let repeated: string | null = null;
  scanMembers(raw, ({ key }) => {
    const name = key.toLowerCase();
    if (!names.includes(name)) return;
    if (seen.has(name)) repeated ??= name;
    seen.add(name);
  });
  return repeated;
}

/** A key that stands twice in one object, at whatever depth and however it is spelled; null where none does. `raw` must be JSON that parses. */
export function findRepeatedKey(raw: string): string | null {
  /** The keys of each object that is open; null for a list. */
  const open: (Set<string> | null)[] = [];
  let at = 0;
  while (at < raw.length) {
    const code = raw.charCodeAt(at);
    if (code !== QUOTE) {
      if (code === OPEN_BRACE) open.push(new Set());
      else if (code === OPEN_BRACKET) open.push(null);
      else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) open.pop();
      at++;
      continue;
    }
    const end = skipString(raw, at);
    const keys = open.at(-1);
    if (keys !== null && keys !== undefined && raw.charCodeAt(skipSpace(raw, end)) === COLON) {
      const key = readKey(raw.slice(at, end));
      if (keys.has(key)) return key;
      keys.add(key);
    }
    at = end;
  }
  return null;
}

/** The text of the JSON value that begins at `from`, white space before it skipped. */
export function readValueAt(raw: string, from: number): string {
  const start = skipSpace(raw, from);
  return raw.slice(start, skipValue(raw, start));
}

/** Calls `visit` for each member in order. Gives the place behind the last member's value, where another can be added. */
function scanMembers(raw: string, visit: (member: Member) => void): { end: number; isEmpty: boolean } {
  let at = raw.indexOf("{") + 1;
  let end = at;
  let isEmpty = true;
  for (;;) {
    at = skipSpace(raw, at);
    if (raw.charCodeAt(at) === COMMA) at = skipSpace(raw, at + 1);
    if (raw.charCodeAt(at) !== QUOTE) return { end, isEmpty };
    const start = at;
    const keyEnd = skipString(raw, at);
    const valueStart = skipSpace(raw, skipSpace(raw, keyEnd) + 1);
    at = skipValue(raw, valueStart);
    visit({ start, key: readKey(raw.slice(start, keyEnd)), valueStart, valueEnd: at });
    end = at;
    isEmpty = false;
  }
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;

function readKey(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  return String(JSON.parse(quoted));
}

function skipSpace(raw: string, from: number): number {
  let at = from;
  for (;;) {
    const code = raw.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return at;
    at++;
  }
}

/** From an opening quote to just behind the closing one: jumps from quote to quote, as most of a large body is long strings. */
export function skipString(raw: string, open: number): number {
  let quote = raw.indexOf('"', open + 1);
  while (quote !== -1) {
    let slashes = 0;
    while (raw.charCodeAt(quote - 1 - slashes) === BACKSLASH) slashes++;
    if (slashes % 2 === 0) return quote + 1;
    quote = raw.indexOf('"', quote + 1);
  }
  return raw.length;
}

function skipValue(raw: string, from: number): number {
  const first = raw.charCodeAt(from);
  if (first === QUOTE) return skipString(raw, from);
  if (first === OPEN_BRACE || first === OPEN_BRACKET) return skipNested(raw, from);
  let at = from;
  while (at < raw.length) {
    const code = raw.charCodeAt(at);
    if (code === COMMA || code === CLOSE_BRACE || code === CLOSE_BRACKET || code <= 0x20) break;
    at++;
  }
  return at;
}

function skipNested(raw: string, from: number): number {
  let depth = 0;
  let at = from;
  while (at < raw.length) {
    const code = raw.charCodeAt(at);
    if (code === QUOTE) {
      at = skipString(raw, at);
      continue;
    }
    at++;
    if (code === OPEN_BRACE || code === OPEN_BRACKET) depth++;
    else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) {
      depth--;
      if (depth === 0) return at;
    }
  }
  return at;
}
