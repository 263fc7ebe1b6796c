// Takes a form in: it is read up to the model's name, and looked at while it is sent, each time that it is. Knows no provider.

import { invalidRequest } from "../../ir/index.ts";
import { MultipartError, type MultipartScanner, type Piece, createMultipartScanner } from "../../lib/multipart.ts";
import type { Spool } from "../../lib/spool.ts";
import { type Reference, isReferenceField } from "../../wire/index.ts";
import type { Arrival } from "./call.ts";
import { type Intake, type Source, type Watch, describeBody, toStream } from "./sending.ts";
import { createTape } from "./tape.ts";

const MODEL = "model";

/** What stands up to the model's value. */
interface Head {
  references: Map<string, Reference>;
  /** Null where there is none, or nobody asked for it. */
  value: Uint8Array | null;
}

type Scanned = AsyncGenerator<Piece[], undefined>;

/** `needsModel`: of a call, which may be sent again to somebody else; whatever is put somewhere to stay is sent once. */
export async function readForm(
  call: Pick<Arrival, "headers">,
  source: Source,
  boundary: string,
  { needsModel, openSpool }: { needsModel: boolean; openSpool: () => Spool },
): Promise<Intake> {
  const tape = createTape(source, openSpool());
  const play = (): Scanned => {
    const wants = (name: string): boolean => name === MODEL || isReferenceField(name);
    return scanAll(tape.play(), createMultipartScanner(boundary, wants));
  };
  const head: Head = { references: new Map(), value: null };
  try {
    if (needsModel) await readHead(head, play());
  } catch (error) {
    await tape.close();
    throw error;
  }
  tape.bound();
  const { value, references } = head;
  const model = value === null ? "" : readText(value);
  return {
    model: model === "" ? null : model,
    json: null,
    references: [...references.values()],
    send(name, watch) {
      const sent = value !== null && name !== null && name !== model ? Buffer.from(name) : null;
      const { stream, failure } = toStream(watchForm(play(), { sent, references, watch }), watch);
      const grown = sent === null || value === null ? 0 : sent.byteLength - value.byteLength;
      return { body: stream, headers: describeBody(call.headers, grown), failure };
    },
    mayRepeat: () => needsModel && tape.isWhole(),
    sentLast: tape.stopKeeping,
    discard: tape.close,
  };
}

async function readHead(head: Head, scanned: Scanned): Promise<void> {
  for await (const pieces of scanned) {
    for (const { field, bytes } of pieces) {
      if (field === MODEL) {
        head.value = bytes;
        return;
      }
      const id = field === null ? "" : readText(bytes);
      if (id !== "") head.references.set(id, { id, isIncidental: false });
    }
  }
}

interface Sending extends Pick<Head, "references"> {
  /** In place of the model's value; null: it stays. */
  sent: Uint8Array | null;
  watch: Watch;
}

/** A form as it is sent: a second model or a strange id in it breaks the sending off. */
async function* watchForm(scanned: Scanned, { sent, references, watch }: Sending): Source {
  let models = 0;
  for await (const pieces of scanned) {
    for (const { field, bytes } of pieces) {
      if (field === MODEL && ++models > 1) {
        throw invalidRequest("The field 'model' stands more than once in the form.", MODEL, "repeated_field");
      }
      // By what was known before, the provider was chosen.
      const id = field === null || field === MODEL ? "" : readText(bytes);
      if (id !== "" && !references.has(id)) await watch.checkReference(id);
    }
    for (const { field, bytes } of pieces) {
      const own = field === MODEL && sent !== null ? sent : bytes;
      if (own.byteLength > 0) yield own;
    }
  }
  return undefined;
}

async function* scanAll(source: Source, scanner: MultipartScanner): Scanned {
  for await (const chunk of source) yield scan(() => scanner.push(chunk));
  yield scan(() => scanner.end());
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

function readText(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("utf8").trim();
}
