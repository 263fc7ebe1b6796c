// JSON of any length as its records, one by one: pages of admin APIs one after another, lists, and lines of JSON. Holds one record at a time.
// Knows no format.

import { invalidRequest } from "../../ir/index.ts";

/** Lists of these names, and lists on top, are lists of records; objects on top that have none are records themselves. */
const LISTS = new Set(["ResultsByTime", "data"]);
const MAX_RECORD_CHARS = 64 * 1024 * 1024;

interface Scan {
  /** For complaints. */
  file: string;
  /** `{` or `[`, from the outside in. */
  open: string[];
  /** The last name that was read at the innermost object. */
  name: string;
  isInText: boolean;
  isEscaped: boolean;
  text: string;
  /** Where the record that is being read lies among `open`; -1 where none is. */
  recordDepth: number;
  /** Where the list of records lies; -1 outside of one. */
  listDepth: number;
  /** What the page says of others behind it; null where it says nothing. */
  hasMore: boolean | null;
}

/** Texts of records; at the end, whether the last page said that there are more. Throws a GatewayError where the text ends in the middle of one. */
export async function* splitRecords(
  pieces: AsyncIterable<string>,
  file: string,
  onEnd?: (hasMore: boolean) => void,
): AsyncGenerator<string> {
  const scan: Scan = {
    file,
    open: [],
    name: "",
    isInText: false,
    isEscaped: false,
    text: "",
    recordDepth: -1,
    listDepth: -1,
    hasMore: null,
  };
  let held = "";
  for await (const piece of pieces) {
    let from = 0;
    for (let index = 0; index < piece.length; index++) {
      const step = advance(scan, piece[index] ?? "");
      if (step === "begin") {
        held = "";
        from = index;
      } else if (step === "end") {
        yield held + piece.slice(from, index + 1);
        held = "";
        from = index + 1;
      }
    }
    // Of an object that turned out to hold a list, only what comes in the list is wanted.
    held = scan.recordDepth === -1 ? "" : held + piece.slice(from);
    if (held.length > MAX_RECORD_CHARS) throw invalidRequest(`${file} holds a record of more than 64 MB.`);
  }
  if (scan.open.length > 0)
    throw invalidRequest(`${file} ends in the middle of its JSON: it was not saved completely.`);
  onEnd?.(scan.hasMore === true);
}

/** What a character means: the first of a record, the last of one, or neither. */
function advance(scan: Scan, char: string): "begin" | "end" | null {
  if (scan.isInText) {
    readText(scan, char);
    return null;
  }
  switch (char) {
    case '"':
      scan.isInText = true;
      scan.text = "";
      return null;
    case ":":
      scan.name = scan.text;
      return null;
    case "{":
    case "[":
      return enter(scan, char);
    case "}":
    case "]":
      return leave(scan, char);
    case "f":
    case "t":
      // The word's first letter is enough: neither word has that of the other.
      if (isOfPage(scan) && scan.name === "has_more") scan.hasMore = char === "t";
      return null;
    default:
      return null;
  }
}

/** On top, or in a list of pages. */
function isOfPage({ open }: Scan): boolean {
  return open.length === 1 || (open.length === 2 && open[0] === "[");
}

/** Long enough for every name of a list. */
const MAX_NAME = 40;

function readText(scan: Scan, char: string): void {
  if (scan.isEscaped) scan.isEscaped = false;
  else if (char === "\\") scan.isEscaped = true;
  else if (char === '"') scan.isInText = false;
  else if (scan.text.length < MAX_NAME) scan.text += char;
}

function enter(scan: Scan, char: string): "begin" | null {
  const depth = scan.open.length;
  const isList = char === "[" && (depth === 0 || (depth === 1 && scan.open[0] === "{" && LISTS.has(scan.name)));
  scan.open.push(char);
  if (isList) {
    // What was taken for a record is only the page around a list.
    scan.listDepth = depth;
    scan.recordDepth = -1;
    return null;
  }
  const isInList = scan.listDepth !== -1 && depth === scan.listDepth + 1;
  if (char !== "{" || scan.recordDepth !== -1 || (depth > 0 && !isInList)) return null;
  scan.recordDepth = depth;
  return "begin";
}

function leave(scan: Scan, char: string): "end" | null {
  if (scan.open.pop() !== (char === "}" ? "{" : "["))
    throw invalidRequest(`${scan.file} is no JSON: its brackets do not match.`);
  const depth = scan.open.length;
  const isEnd = depth === scan.recordDepth;
  if (isEnd) scan.recordDepth = -1;
  if (depth === scan.listDepth) scan.listDepth = -1;
  return isEnd ? "end" : null;
}
