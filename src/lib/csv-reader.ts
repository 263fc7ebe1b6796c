// Rows of CSV as they come, from whoever wrote them: a row that is broken is told of, and what follows it is read. Knows no columns.
// RFC 4180, and what programs make of it: any line end, blanks around cells, quotes inside of cells that do not begin with one.

export interface CsvRow {
  /** Where it begins, from 1. */
  line: number;
  cells: string[];
  /** What is wrong with it; its cells are then what could be read of its first line. */
  flaw: string | null;
}

/** A synchronous machine, in memory that a row's length bounds: `push` for each piece of text, then `end` once. It throws nothing. */
export interface CsvReader {
  push(text: string): CsvRow[];
  end(): CsvRow[];
}

/** A row is no longer, in UTF-16 units: what is, has a quote that nobody closes. */
export const MAX_ROW_LENGTH = 65_536;

interface Found {
  cells: string[];
  /** Where the next row begins. */
  next: number;
  /** How far it was looked. */
  reach: number;
  flaw: string | null;
}

export function createCsvReader(): CsvReader {
  let text = "";
  let line = 1;
  let isFirst = true;
  /** Inside of a line that is too long to be held. */
  let isSkipping = false;

  function read(isEnd: boolean): CsvRow[] {
    const rows: CsvRow[] = [];
    const ends = createEnds(text, isEnd);
    let at = 0;
    const go = (next: number): void => {
      line += countLines(text, at, next);
      at = next;
    };
    while (at < text.length) {
      if (isSkipping) {
        const end = ends.find(at);
        if (end === null) return keep(text.endsWith("\r") ? text.length - 1 : text.length, rows);
        go(end.next);
        isSkipping = false;
        continue;
      }
      const found = readNext(text, at, ends, isEnd);
      if (found === null) break;
      // A row of nothing is no row: spreadsheets end in dozens of them.
      if (found.flaw !== null || found.cells.some((cell) => cell !== "")) {
        rows.push({ line, cells: found.cells, flaw: found.flaw });
      }
      isSkipping = found.next === -1;
      if (!isSkipping) go(found.next);
    }
    return keep(at, rows);
  }

  function keep(from: number, rows: CsvRow[]): CsvRow[] {
    text = text.slice(from);
    return rows;
  }

  return {
    push(piece) {
      const isBom = isFirst && piece.startsWith("\u{FEFF}");
      if (piece !== "") isFirst = false;
      text += isBom ? piece.slice(1) : piece;
      return read(false);
    },
    end: () => read(true),
  };
}

/** Null where it is not all there. Whether a row is too long depends on the row alone, and not on how it came in pieces. */
function readNext(text: string, at: number, ends: Ends, isEnd: boolean): Found | null {
  const found = readRow(text, at, ends);
  if (found !== null && found.reach - at <= MAX_ROW_LENGTH) return found;
  if (found === null && !isEnd && text.length - at <= MAX_ROW_LENGTH) return null;
  return skipLine(text, at, ends, "A quote is opened here and never closed, or the row is too long.");
}

interface Ends {
  /** The first line end from here on: where it is, and where the next line begins. Null where it may yet come. */
  find(from: number): { at: number; next: number } | null;
}

/** Line ends of a text, each looked for once, however many rows in front of it ask. */
function createEnds(text: string, isEnd: boolean): Ends {
  const known = { "\n": { from: 0, at: -1 }, "\r": { from: 0, at: -1 } };
  const seek = (mark: "\n" | "\r", from: number): number => {
    const { from: since, at } = known[mark];
    if (from >= since && from <= at) return at;
    const found = text.indexOf(mark, from);
    known[mark] = { from, at: found === -1 ? text.length : found };
    return known[mark].at;
  };
  return {
    find(from) {
      const at = Math.min(seek("\n", from), seek("\r", from));
      if (at === text.length) return isEnd ? { at, next: at } : null;
      if (text[at] === "\n") return { at, next: at + 1 };
      // The other half of this line end may be in the next piece.
      if (at + 1 === text.length && !isEnd) return null;
      return { at, next: text[at + 1] === "\n" ? at + 2 : at + 1 };
    },
  };
}

/** Null where it is not all there. */
function readRow(text: string, start: number, ends: Ends): Found | null {
  const end = ends.find(start);
  if (end !== null && !text.slice(start, end.at).includes('"')) {
    const cells = text.slice(start, end.at).split(",").map(trim);
    return { cells, next: end.next, reach: end.next, flaw: null };
  }
  const cells: string[] = [];
  for (let at = start; ;) {
    const inner = skipBlanks(text, at);
    const cell = text[inner] === '"' ? readQuoted(text, inner + 1) : readBare(text, at, ends);
    if (cell === null) return null;
    cells.push(cell.value);
    if (text[cell.at] === ",") {
      at = cell.at + 1;
      continue;
    }
    const lineEnd = ends.find(cell.at);
    if (lineEnd === null) return null;
    if (lineEnd.at === cell.at) return { cells, next: lineEnd.next, reach: lineEnd.next, flaw: null };
    return { ...skipLine(text, start, ends, "There is text behind a quote that closes a cell."), reach: cell.at };
  }
}

/** `at`: of the comma or line end behind it. */
interface Cell {
  value: string;
  at: number;
}

function readBare(text: string, start: number, ends: Ends): Cell | null {
  const comma = text.indexOf(",", start);
  const end = ends.find(start);
  if (comma !== -1 && (end === null || comma < end.at)) {
    return { value: trim(text.slice(start, comma)), at: comma };
  }
  return end === null ? null : { value: trim(text.slice(start, end.at)), at: end.at };
}

/** From behind the opening quote. Null where the closing one is not there yet. */
function readQuoted(text: string, start: number): Cell | null {
  for (let at = text.indexOf('"', start); at !== -1; at = text.indexOf('"', at + 2)) {
    if (at + 1 === text.length) return { value: unquote(text, start, at), at: at + 1 };
    if (text[at + 1] === '"') continue;
    return { value: unquote(text, start, at), at: skipBlanks(text, at + 1) };
  }
  return null;
}

function unquote(text: string, start: number, end: number): string {
  return text.slice(start, end).replaceAll('""', '"');
}

/** The line that cannot be a row, alone: the next one begins anew. Its `next` is -1 where its end is not there yet. */
function skipLine(text: string, start: number, ends: Ends, flaw: string): Found {
  const end = ends.find(start) ?? { at: text.length, next: -1 };
  const cells = text
    .slice(start, Math.min(end.at, start + MAX_ROW_LENGTH))
    .split(",")
    .map((cell) => trim(cell.replaceAll('"', "")));
  return { cells, next: end.next, reach: start, flaw };
}

function skipBlanks(text: string, start: number): number {
  let at = start;
  while (text[at] === " " || text[at] === "\t") at++;
  return at;
}

function trim(cell: string): string {
  return cell.trim();
}

function countLines(text: string, from: number, to: number): number {
  let lines = 0;
  for (let at = from; at < to; at++) {
    const isBreak = text[at] === "\n" || (text[at] === "\r" && text[at + 1] !== "\n");
    if (isBreak) lines++;
  }
  return lines;
}
