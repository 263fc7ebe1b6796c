// Takes a form in: only as much is held as it takes to read the model's name; the rest is looked at while it is sent, and kept while it may have
// to be sent again. Knows no provider.

import { invalidRequest } from "../../ir/index.ts";
import { MultipartError, type MultipartScanner, type Piece, createMultipartScanner } from "../../lib/multipart.ts";
import type { Spool } from "../../lib/spool.ts";
import { type Reference, isReferenceField } from "../../wire/index.ts";
import type { Arrival } from "./call.ts";
import { type Intake, type Source, type Watch, abandon, describeBody, toStream } from "./sending.ts";
import { type Tape, createTape } from "./tape.ts";

const MODEL = "model";

/** What stands up to the model's value, and what the scanner gave behind it. */
interface Head {
  references: Map<string, Reference>;
  /** Null where there is none, or nobody asked for it. */
  value: Uint8Array | null;
  behind: Piece[];
  isOver: boolean;
}

/** `needsModel`: of a call, which may be sent again to somebody else; whatever is put somewhere to stay is sent once. */
export async function readForm(
  call: Pick<Arrival, "headers">,
  source: Source,
  boundary: string,
  { needsModel, openSpool }: { needsModel: boolean; openSpool: () => Spool },
): Promise<Intake> {
  const scanner = createMultipartScanner(boundary, (name) => name === MODEL || isReferenceField(name));
  /** All that came before the model's value. */
  const before = openSpool();
  const after = openSpool();
  const discard = async (): Promise<void> => {
    await before.close();
    await after.close();
    await abandon(source);
  };
  const head: Head = { references: new Map(), value: null, behind: [], isOver: false };
  try {
    if (needsModel) await readHead(head, { source, scanner, before });
  } catch (error) {
    await discard();
    throw error;
  }
  const { value } = head;
  const model = value === null ? "" : Buffer.from(value).toString("utf8").trim();
  const seen: string[] = [];
  let watch: Watch = { progressed: () => undefined, checkReference: () => Promise.resolve() };
  const check = async (id: string): Promise<void> => {
    await watch.checkReference(id);
    if (needsModel) seen.push(id);
  };
  const rest = watchForm(head.isOver ? null : source, { scanner, ...head, check });
  const tape = needsModel ? createTape(rest, after) : null;
  return {
    model: model === "" ? null : model,
    json: null,
    references: [...head.references.values()],
    send(name, own) {
      watch = own;
      const sent = value !== null && name !== null && name !== model ? Buffer.from(name) : value;
      const joined = joinForm({ before, sent, rest: tape?.play() ?? rest }, [...seen], own);
      const { stream, failure } = toStream(joined, own);
      const grown = (sent?.byteLength ?? 0) - (value?.byteLength ?? 0);
      return { body: stream, headers: describeBody(call.headers, grown), failure };
    },
    mayRepeat: () => tape?.isWhole() ?? false,
    sentLast: () => tape?.stopKeeping(),
    discard,
  };
}

async function readHead(
  head: Head,
  { source, scanner, before }: { source: Source; scanner: MultipartScanner; before: Spool },
): Promise<void> {
  while (head.value === null && !head.isOver) {
    const { done, value: chunk } = await source.next();
    head.isOver = done === true;
    const pieces = chunk === undefined ? scan(() => scanner.end()) : scan(() => scanner.push(chunk));
    const at = pieces.findIndex((piece) => piece.field === MODEL);
    for (const piece of at === -1 ? pieces : pieces.slice(0, at)) {
      if (piece.field !== null) addReference(head.references, piece);
      await before.write(piece.bytes);
    }
    if (at === -1) continue;
    head.value = pieces[at]?.bytes ?? new Uint8Array();
    head.behind = pieces.slice(at + 1);
  }
}

/** `seen`: ids that an earlier provider was sent already, and this one may not know. */
async function* joinForm(
  { before, sent, rest }: { before: Spool; sent: Uint8Array | null; rest: ReturnType<Tape["play"]> },
  seen: readonly string[],
  watch: Watch,
): Source {
  for (const id of seen) await watch.checkReference(id);
  const next = before.cursor();
  for (let piece = await next(); piece !== null; piece = await next()) yield piece;
  if (sent !== null && sent.byteLength > 0) yield sent;
  yield* rest;
  return undefined;
}

/** The part of a form that is read while it is sent: a second model or a strange id in it breaks the sending off. */
async function* watchForm(
  source: Source | null,
  {
    scanner,
    value,
    behind,
    check,
  }: Pick<Head, "behind" | "value"> & { scanner: MultipartScanner; check: (id: string) => Promise<void> },
): Source {
  let models = value === null ? 0 : 1;
  const checkAll = async (pieces: readonly Piece[]): Promise<Uint8Array[]> => {
    for (const { field, bytes } of pieces) {
      if (field === MODEL && ++models > 1) {
        throw invalidRequest("The field 'model' stands more than once in the form.", MODEL, "repeated_field");
      }
      if (field !== null && field !== MODEL) await check(Buffer.from(bytes).toString("utf8").trim());
    }
    return pieces.map((piece) => piece.bytes);
  };
  yield* await checkAll(behind);
  if (source === null) return undefined;
  for await (const chunk of source) {
    yield* await checkAll(scan(() => scanner.push(chunk)));
  }
  yield* await checkAll(scan(() => scanner.end()));
  return undefined;
}

function scan(work: () => Piece[]): Piece[] {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof MultipartError)) throw error;
    throw invalidRequest(error.message, undefined, "invalid_form");
  }
}

function addReference(references: Map<string, Reference>, { bytes }: Piece): void {
  const id = Buffer.from(bytes).toString("utf8").trim();
  if (id !== "") references.set(id, { id, isIncidental: false });
}
