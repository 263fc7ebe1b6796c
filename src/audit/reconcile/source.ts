// A file of an export as its lines: CSV or JSON, plain or gzipped, of any size. Knows no format but that of the file.

import { Readable } from "node:stream";
import { CsvError, parse } from "csv-parse";
import { invalidRequest } from "../../ir/index.ts";
import { type Cells, flattenRecord, parseRecord } from "./flatten.ts";
import { splitRecords } from "./json.ts";
import { type ExportRow, nameColumn } from "./line.ts";

export interface ExportFile {
  /** For complaints. */
  name: string;
  bytes: () => ReadableStream<Uint8Array>;
  onProgress?: (bytes: number) => void;
}

export function listNames(files: readonly ExportFile[]): string {
  return files.map(({ name }) => name).join(", ");
}

/** Whether columns of these names are what is looked for. */
export type Recognize = (columns: ReadonlySet<string>) => boolean;

/** How far down a CSV its header may stand: some begin with lines about the invoice. */
const MAX_PREAMBLE = 30;

/** Told of the end of JSON: whether its last page says that there are more. */
type OnEnd = (hasMore: boolean) => void;

/** Throws a GatewayError that names the file and the line. */
export async function* readRows(file: ExportFile, recognize: Recognize, onEnd?: OnEnd): AsyncGenerator<ExportRow> {
  const text = decode(file);
  const first = await text.next();
  const head = first.done === true ? "" : first.value;
  const start = head.trimStart()[0];
  if (start === undefined) throw invalidRequest(`${file.name} is empty.`);
  if (head.startsWith("PK\u0003\u0004"))
    throw invalidRequest(`${file.name} is a zip file or a spreadsheet: unpack it, or save it as CSV.`);
  const whole = prepend(head, text);
  yield* start === "{" || start === "[" ? readJsonRows(file, whole, onEnd) : readCsvRows(file, whole, head, recognize);
}

async function* prepend(head: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield head;
  yield* rest;
}

/** Pieces of text; the first is long enough to tell what it is. */
async function* decode(file: ExportFile): AsyncGenerator<string> {
  let read = 0;
  const counted = file.bytes().pipeThrough(
    new TransformStream<Uint8Array, Uint8Array>({
      transform(chunk, controller) {
        read += chunk.byteLength;
        file.onProgress?.(read);
        controller.enqueue(chunk);
      },
    }),
  );
  const [peeked, bytes] = await peek(counted);
  const isGzip = peeked[0] === 0x1f && peeked[1] === 0x8b;
  const plain = isGzip ? bytes.pipeThrough(new DecompressionStream("gzip")) : bytes;
  let decoder: TextDecoder | null = null;
  try {
    for await (const chunk of plain) {
      decoder ??= new TextDecoder(findEncoding(chunk));
      yield decoder.decode(chunk, { stream: true });
    }
  } catch (error) {
    if (!isGzip || !(error instanceof TypeError)) throw error;
    throw invalidRequest(`${file.name} cannot be unpacked: it was not saved completely, or is damaged.`);
  }
}

/** Spreadsheets and the shells of Windows save in UTF-16, too, and say so in the first two bytes. */
function findEncoding([first, second]: Uint8Array): "utf-8" | "utf-16be" | "utf-16le" {
  if (first === 0xff && second === 0xfe) return "utf-16le";
  return first === 0xfe && second === 0xff ? "utf-16be" : "utf-8";
}

/** The first piece, and all of them. */
async function peek(
  stream: ReadableStream<Uint8Array>,
): Promise<[Uint8Array, ReadableStream<Uint8Array<ArrayBuffer>>]> {
  const reader = stream.getReader();
  const first = (await reader.read()).value ?? new Uint8Array();
  let isFirst = true;
  const whole = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const next = isFirst ? { value: first, done: false } : await reader.read();
      isFirst = false;
      if (next.done || next.value === undefined) controller.close();
      else controller.enqueue(next.value as Uint8Array<ArrayBuffer>);
    },
    cancel: (reason) => reader.cancel(reason),
  });
  return [first, whole];
}

async function* readJsonRows(file: ExportFile, text: AsyncGenerator<string>, onEnd?: OnEnd): AsyncGenerator<ExportRow> {
  let number = 0;
  for await (const record of splitRecords(text, file.name, onEnd)) {
    number++;
    const place = `${file.name}, record ${number}`;
    for (const cells of flattenRecord(parseRecord(record, place))) yield toRow(cells, place);
  }
}

async function* readCsvRows(
  file: ExportFile,
  text: AsyncGenerator<string>,
  beginning: string,
  recognize: Recognize,
): AsyncGenerator<ExportRow> {
  const parser = parse({
    bom: true,
    delimiter: findDelimiter(beginning),
    relax_column_count: true,
    skip_empty_lines: true,
    info: true,
  });
  let end = "";
  const watched = async function* (): AsyncGenerator<string> {
    for await (const piece of text) {
      end = piece.at(-1) ?? end;
      yield piece;
    }
  };
  const source = Readable.from(watched());
  source.on("error", (error) => parser.destroy(error));
  source.pipe(parser);
  let head: Head | null = null;
  let last: { record: readonly string[]; line: number } | null = null;
  const preamble: { record: string[]; line: number }[] = [];
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (head !== null) {
        last = { record, line: info.lines };
        yield toCsvRow(file, head, record, info.lines);
        continue;
      }
      preamble.push({ record, line: info.lines });
      if (recognize(new Set(record.map(nameColumn)))) head = readHead(record);
      else if (preamble.length === MAX_PREAMBLE) break;
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error;
    throw invalidRequest(`${file.name} is no CSV: ${error.message}`);
  }
  if (head !== null) {
    if (last !== null && last.record.length < head.width && end !== "\n")
      throw invalidRequest(`${file.name} ends in the middle of line ${last.line}: it was not saved completely.`);
    return;
  }
  // Nobody knows it. The widest line is the likeliest header, for the complaint.
  const widest = preamble.toSorted((left, right) => right.record.length - left.record.length)[0];
  if (widest !== undefined) yield toCsvRow(file, readHead(widest.record), widest.record, widest.line);
}

function findDelimiter(head: string): string {
  const line = head.slice(0, head.indexOf("\n") === -1 ? undefined : head.indexOf("\n"));
  const count = (char: string): number => line.split(char).length;
  return [",", ";", "\t"].toSorted((left, right) => count(right) - count(left))[0] ?? ",";
}

/** The header of a CSV: its columns by name, each at its first place. */
interface Head {
  width: number;
  places: ReadonlyMap<string, number>;
  spelled: ExportRow["spelled"];
}

function readHead(record: readonly string[]): Head {
  const places = new Map<string, number>();
  const spelled = new Map<string, string>();
  for (const [place, column] of record.entries()) {
    const name = nameColumn(column);
    if (name === "" || places.has(name)) continue;
    places.set(name, place);
    spelled.set(name, column);
  }
  return { width: record.length, places, spelled };
}

function toCsvRow(file: ExportFile, { places, spelled }: Head, record: readonly string[], line: number): ExportRow {
  const cells = new Map<string, string>();
  for (const [name, place] of places) cells.set(name, (record[place] ?? "").trim());
  return { cells, spelled, place: `${file.name}, line ${line}` };
}

function toRow(cells: Cells, place: string): ExportRow {
  return {
    cells: new Map([...cells].map(([name, { text }]) => [name, text])),
    spelled: new Map([...cells].map(([name, { spelled }]) => [name, spelled])),
    place,
  };
}
