// Takes a request's body in: JSON whole, forms and anything else as a stream, which is listened to whether it is sent on or not. Knows no provider.

import { GatewayError, invalidRequest } from "../../ir/index.ts";
import { setTopLevel } from "../../lib/json-edit.ts";
import { readBoundary } from "../../lib/multipart.ts";
import type { Spool } from "../../lib/spool.ts";
import { findReferences, mayReference } from "../../wire/index.ts";
import { parseBody, refuseRepeated, refuseRepeatedAnywhere } from "../call.ts";
import type { Presence } from "../presence.ts";
import type { Arrival } from "./call.ts";
import { readForm } from "./form.ts";
import { type Intake, type Source, describeBody, toStream } from "./sending.ts";
import { createTape } from "./tape.ts";

/** `needsModel`: whether the body is held until its model is known. */
export async function readIntake(
  call: Arrival,
  options: { needsModel: boolean; openSpool: () => Spool },
): Promise<Intake> {
  if (call.body === null) return NO_BODY;
  const type = call.headers.get("content-type") ?? "";
  const boundary = readBoundary(type);
  // What is no form is JSON, whatever it calls itself: nothing goes by that was not looked at.
  if (boundary === null) return readUnbound(type, await call.readText());
  refuseCompressed(call.headers);
  return readForm(call, readCounted(call.body, call), boundary, options);
}

function readUnbound(type: string, raw: string): Intake {
  if (!/^multipart\/form-data\b/iu.test(type) || /^\s*(?:\{|$)/u.test(raw)) return readJsonBody(raw);
  throw invalidRequest(
    "The form's Content-Type names no boundary, or none that can be read. Leave that header to your client, which sets it with the form.",
    undefined,
    "invalid_form",
  );
}

const NOTHING = {
  model: null,
  json: null,
  references: [],
  mayRepeat: () => true,
  sentLast: () => undefined,
  discard: () => Promise.resolve(),
};

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

/** What is neither JSON nor a form goes by unread, and once. */
export function sendAsItIs(call: Arrival, source: Source, spool: Spool): Intake {
  const tape = createTape(source, spool);
  tape.bound();
  return {
    ...NOTHING,
    mayRepeat: () => false,
    sentLast: tape.stopKeeping,
    send(_model, watch) {
      const { stream, failure } = toStream(tape.play(), watch);
      return { body: stream, headers: describeBody(call.headers, 0), failure };
    },
    discard: tape.close,
  };
}

/** What is neither JSON nor a form but must be sent whole. */
export function sendWhole(call: Arrival, text: string): Intake {
  return {
    ...NOTHING,
    send: () => ({ body: text, headers: describeBody(call.headers, 0), failure: () => null }),
  };
}

/** The body's bytes, as many as are allowed. Throws too_large, or cancelled as soon as the client leaves or breaks off. */
export async function* readCounted(
  body: ReadableStream<Uint8Array>,
  { headers, maxBodyBytes, signal }: Pick<Arrival, "headers" | "maxBodyBytes" | "signal">,
): Source {
  const tooLarge = (): GatewayError =>
    new GatewayError({
      kind: "too_large",
      code: "request_too_large",
      message: `The request body is larger than ${maxBodyBytes} bytes. Send less, or let the operator raise max_body_bytes.`,
    });
  if (Number(headers.get("content-length") ?? 0) > maxBodyBytes) throw tooLarge();
  const reader = body.getReader();
  let bytes = 0;
  try {
    for (;;) {
      const { done, value } = await readUnlessLeft(reader, signal);
      if (done || value === undefined) return undefined;
      bytes += value.byteLength;
      if (bytes > maxBodyBytes) throw tooLarge();
      yield value;
    }
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw brokeOff(error);
  } finally {
    reader.cancel().catch(() => undefined);
  }
}

/** A body that ends with its client is not whole, and one that waits for a client that is gone would wait for ever. */
function readUnlessLeft(reader: Reader, signal: Presence): ReturnType<Reader["read"]> {
  return new Promise((resolve, reject) => {
    const leave = (): void => reject(brokeOff(null));
    if (signal.aborted) return leave();
    signal.addEventListener("abort", leave, { once: true });
    const settle = (action: () => void): void => {
      signal.removeEventListener("abort", leave);
      action();
    };
    reader.read().then(
      (piece) => settle(() => resolve(piece)),
      (error: unknown) => settle(() => reject(brokeOff(error))),
    );
  });
}

interface Reader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

function brokeOff(cause: unknown): GatewayError {
  if (cause instanceof GatewayError) return cause;
  return new GatewayError({ kind: "cancelled", message: "The client broke off while it sent its request.", cause });
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
