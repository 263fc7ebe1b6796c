// Takes a request's body in: JSON whole, forms and anything else as a stream, of which only as much is held as it takes to read the model's name.
// Knows no provider.

import { GatewayError, type JsonObject, invalidRequest, toGatewayError } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import {
  MultipartError,
  type MultipartScanner,
  type Piece,
  createMultipartScanner,
  readBoundary,
} from "../../lib/multipart.ts";
import type { Spool } from "../../lib/spool.ts";
import { type Reference, findReferences, isReferenceField, mayReference } from "../../wire/index.ts";
import { parseBody, refuseRepeated, refuseRepeatedAnywhere } from "../call.ts";
import type { Arrival } from "./call.ts";

export interface Intake {
  /** As the client named it; null where it named none. */
  model: string | null;
  /** Null where the body is no JSON. */
  json: JsonObject | null;
  /** Ids of objects, as far as they are known before the body is sent. */
  references: readonly Reference[];
  /** The body under the model's name at the provider; null where that stays as it is. Once. */
  send(model: string | null, watch: Watch): Outgoing;
  /** Gives back what is held; at any time. */
  discard(): Promise<void>;
}

export interface Outgoing {
  body?: string | ReadableStream<Uint8Array>;
  headers: Record<string, string>;
  /** Why a streamed body broke off on our side; null where it did not. */
  failure(): GatewayError | null;
}

export interface Watch {
  /** After each piece that went on its way. */
  progressed(): void;
  /** Throws where an id that shows up on the way must not be sent. */
  checkReference(id: string): Promise<void>;
}

/** `needsModel`: whether the body is held until its model is known. */
export async function readIntake(
  call: Arrival,
  options: { needsModel: boolean; openSpool: () => Spool },
): Promise<Intake> {
  if (call.body === null) return NO_BODY;
  const boundary = readBoundary(call.headers.get("content-type") ?? "");
  // What is no form is JSON, whatever it calls itself: nothing goes by that was not looked at.
  if (boundary === null) return readJsonBody(await call.readText());
  refuseCompressed(call.headers);
  return readForm(call, readCounted(call.body, call), createFormScanner(boundary), options);
}

const NOTHING = { model: null, json: null, references: [], discard: () => Promise.resolve() };

export const NO_BODY: Intake = { ...NOTHING, send: () => ({ headers: {}, failure: () => null }) };

function readJsonBody(raw: string): Intake {
  if (raw.trim() === "") return NO_BODY;
  const json = parseBody(raw);
  refuseRepeated(raw);
  if (mayReference(raw)) refuseRepeatedAnywhere(raw);
  const model = json["model"];
  if (model !== undefined && model !== null && typeof model !== "string") {
    throw invalidRequest("The field 'model' must be a string.", "model", "invalid_type");
  }
  return {
    ...NOTHING,
    json,
    model: model === undefined || model === "" ? null : model,
    references: findReferences(json),
    send: (name) => ({
      body: name === null || name === model ? raw : setTopLevel(raw, "model", JSON.stringify(name)),
      headers: { "content-type": "application/json" },
      failure: () => null,
    }),
  };
}

/** What is neither JSON nor a form goes by unread. */
export function sendAsItIs(call: Arrival, source: Source): Intake {
  return {
    ...NOTHING,
    send(_model, watch) {
      const { stream, failure } = toStream(source, watch);
      return { body: stream, headers: describeBody(call.headers, 0), failure };
    },
    discard: () => abandon(source),
  };
}

/** What is neither JSON nor a form but must be sent whole. */
export function sendWhole(call: Arrival, text: string): Intake {
  return {
    ...NOTHING,
    send: () => ({ body: text, headers: describeBody(call.headers, 0), failure: () => null }),
  };
}

export type Source = AsyncGenerator<Uint8Array, undefined>;

/** The body's bytes, as many as are allowed. Throws too_large, or cancelled where the client breaks off. */
export async function* readCounted(
  body: ReadableStream<Uint8Array>,
  { headers, maxBodyBytes }: Pick<Arrival, "headers" | "maxBodyBytes">,
): Source {
  const tooLarge = (): GatewayError =>
    new GatewayError({
      kind: "too_large",
      code: "request_too_large",
      message: `The request body is larger than ${maxBodyBytes} bytes. Send less, or let the operator raise max_body_bytes.`,
    });
  if (Number(headers.get("content-length") ?? 0) > maxBodyBytes) throw tooLarge();
  let bytes = 0;
  try {
    for await (const chunk of body) {
      bytes += chunk.byteLength;
      if (bytes > maxBodyBytes) throw tooLarge();
      yield chunk;
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw new GatewayError({
      kind: "cancelled",
      message: "The client broke off while it sent its request.",
      cause: error,
    });
  }
  return undefined;
}

function createFormScanner(boundary: string): MultipartScanner {
  return createMultipartScanner(boundary, (name) => name === MODEL || isReferenceField(name));
}

const MODEL = "model";

async function readForm(
  call: Arrival,
  source: Source,
  scanner: MultipartScanner,
  { needsModel, openSpool }: { needsModel: boolean; openSpool: () => Spool },
): Promise<Intake> {
  /** All that came before the model's value. */
  const before = openSpool();
  const references = new Map<string, Reference>();
  let model: string | null = null;
  let value: Uint8Array | null = null;
  /** What the scanner gave behind it. */
  let behind: Piece[] = [];
  let isOver = false;
  const discard = async (): Promise<void> => {
    await before.close();
    await abandon(source);
  };
  try {
    while (needsModel && value === null && !isOver) {
      const { done, value: chunk } = await source.next();
      isOver = done === true;
      const pieces = chunk === undefined ? scan(() => scanner.end()) : scan(() => scanner.push(chunk));
      const at = pieces.findIndex((piece) => piece.field === MODEL);
      for (const piece of at === -1 ? pieces : pieces.slice(0, at)) {
        if (piece.field !== null) addReference(references, piece);
        await before.write(piece.bytes);
      }
      if (at === -1) continue;
      value = pieces[at]?.bytes ?? new Uint8Array();
      model = Buffer.from(value).toString("utf8").trim();
      behind = pieces.slice(at + 1);
    }
  } catch (error) {
    await discard();
    throw error;
  }
  return {
    model: model === "" ? null : model,
    json: null,
    references: [...references.values()],
    send(name, watch) {
      const sent = value !== null && name !== null && name !== model ? Buffer.from(name) : value;
      const rest = watchForm({ source: isOver ? null : source, scanner, behind }, { hasModel: value !== null, watch });
      const { stream, failure } = toStream(joinForm(before, sent, rest), watch);
      const grown = (sent?.byteLength ?? 0) - (value?.byteLength ?? 0);
      return { body: stream, headers: describeBody(call.headers, grown), failure };
    },
    discard,
  };
}

async function* joinForm(before: Spool, value: Uint8Array | null, rest: AsyncIterable<Uint8Array>): Source {
  yield* before.read();
  if (value !== null && value.byteLength > 0) yield value;
  yield* rest;
  return undefined;
}

/** The part of a form that is read while it is sent: a second model or a strange id in it breaks the sending off. */
async function* watchForm(
  form: { source: Source | null; scanner: MultipartScanner; behind: readonly Piece[] },
  { hasModel, watch }: { hasModel: boolean; watch: Watch },
): Source {
  let models = hasModel ? 1 : 0;
  const check = async (pieces: readonly Piece[]): Promise<Uint8Array[]> => {
    for (const { field, bytes } of pieces) {
      if (field === MODEL && ++models > 1) {
        throw invalidRequest("The field 'model' stands more than once in the form.", MODEL, "repeated_field");
      }
      if (field !== null && field !== MODEL) await watch.checkReference(Buffer.from(bytes).toString("utf8").trim());
    }
    return pieces.map((piece) => piece.bytes);
  };
  yield* await check(form.behind);
  if (form.source === null) return undefined;
  for await (const chunk of form.source) {
    yield* await check(scan(() => form.scanner.push(chunk)));
  }
  yield* await check(scan(() => form.scanner.end()));
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

/** Type and length for the upstream; without a length the body goes out in chunks. */
function describeBody(headers: Headers, grown: number): Record<string, string> {
  const type = headers.get("content-type");
  const length = headers.get("content-length");
  return {
    ...(type === null ? {} : { "content-type": type }),
    ...(length === null ? {} : { "content-length": String(Number(length) + grown) }),
  };
}

function toStream(
  source: Source,
  watch: Watch,
): { stream: ReadableStream<Uint8Array>; failure: () => GatewayError | null } {
  let failure: GatewayError | null = null;
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await source.next();
        watch.progressed();
        if (done === true) controller.close();
        else controller.enqueue(value);
      } catch (error) {
        failure = toGatewayError(error);
        controller.error(failure);
      }
    },
    cancel: () => abandon(source),
  });
  return { stream, failure: () => failure };
}

/** A generator that waits for its client ends when the client does: nobody waits for that. */
async function abandon(source: Source): Promise<void> {
  source.return(undefined).catch(() => undefined);
  return Promise.resolve();
}

function refuseCompressed(headers: Headers): void {
  const encoding = headers.get("content-encoding");
  if (encoding === null || encoding === "identity") return;
  throw invalidRequest(
    `Request bodies must not be compressed, and this one is (${encoding}).`,
    undefined,
    "unsupported_encoding",
  );
}
