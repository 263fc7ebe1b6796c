// Stands before the way of a call that is only forwarded and that its client gave a name: it is read whole first, for what it asks must be known.
// What makes, reads or changes an object goes by untouched, as does what has no name. Knows no family.

import { createHash } from "node:crypto";
import { type GatewayError, toGatewayError } from "../../ir/index.ts";
import { type MultipartScanner, createMultipartScanner, readBoundary } from "../../lib/multipart.ts";
import type { Spool } from "../../lib/spool.ts";
import type { Repeat } from "../cache/asked.ts";
import { type Named, makeNamed, readName } from "../cache/sharing.ts";
import { type GatewayTools, parseBody, refuseKey, refuseRepeated } from "../call.ts";
import { readTags } from "../tag.ts";
import type { RestCall } from "./call.ts";
import { handleRest } from "./handle.ts";
import { readCounted } from "./intake.ts";

/** Throws what `handleRest` throws, and `conflict` where the same name stands for another request. */
export function handleNamed(call: RestCall, tools: GatewayTools): Promise<Response> {
  const isCall = call.place.act === "call" && tools.scene().sharing.isOn;
  const name = isCall ? readName(call.headers) : null;
  return name === null ? handleRest(call, tools) : look(call, tools, name);
}

/** A call that has been read, and reads its body no second time. */
interface Read {
  call: RestCall;
  /** Null where it cannot be answered at all: whoever answers `call` tells why, and puts it on the books. */
  asked: { model: string; stream: boolean; print: string } | null;
  /** Gives back what is held, unless somebody reads it. */
  drop(): Promise<void>;
}

async function look(given: RestCall, tools: GatewayTools, name: string): Promise<Response> {
  const { call, asked, drop } = await read(given, tools);
  // From now on it is others that are waited for.
  call.keepOpen();
  try {
    const repeat = asked === null ? null : describe(call, asked);
    if (asked === null || repeat === null) return await handleRest(call, tools);
    return await tools.sharing.run(repeat, tools, nameCall(call, name, asked.print), (signal, own) =>
      handleRest({ ...call, signal }, own),
    );
  } finally {
    await drop();
  }
}

/** Null where its tags or its model cannot be kept. */
function describe(call: RestCall, { model, stream }: { model: string; stream: boolean }): Repeat | null {
  const { limitHeaders } = call.dialect;
  const wire = { endpoint: call.place.endpoint, ...(limitHeaders === undefined ? {} : { limitHeaders }) };
  try {
    refuseKey(model);
    return { call: { ...call, wire }, peek: { model, stream }, tags: readTags(call) };
  } catch {
    return null;
  }
}

function nameCall({ caller, place, query }: RestCall, name: string, print: string): Named {
  return makeNamed(caller, { kind: place.endpoint, name, asks: [query.toString(), print] });
}

function read(call: RestCall, tools: GatewayTools): Promise<Read> {
  const boundary = readBoundary(call.headers.get("content-type") ?? "");
  return boundary === null || call.body === null ? readJson(call) : readForm(call, call.body, { boundary, tools });
}

const NOTHING = { asked: null, drop: () => Promise.resolve() };

async function readJson(call: RestCall): Promise<Read> {
  let raw: string;
  try {
    raw = await call.readText();
  } catch (error) {
    return { ...NOTHING, call: { ...call, readText: () => Promise.reject(error) } };
  }
  const own = { ...call, readText: () => Promise.resolve(raw) };
  try {
    const { model, stream } = parseBody(raw);
    refuseRepeated(raw);
    const named = typeof model === "string" ? model : "";
    return { ...NOTHING, call: own, asked: { model: named, stream: stream === true, print: raw } };
  } catch {
    return { ...NOTHING, call: own };
  }
}

/** It waits where any form does that is sent more than once. */
async function readForm(
  call: RestCall,
  body: ReadableStream<Uint8Array>,
  { boundary, tools }: { boundary: string; tools: Pick<GatewayTools, "openSpool"> },
): Promise<Read> {
  const spool = tools.openSpool();
  const print = createFormPrint(boundary);
  const model = createModelReader(boundary);
  try {
    for await (const chunk of readCounted(body, call)) {
      print.push(chunk);
      model.push(chunk);
      await spool.write(chunk);
    }
  } catch (error) {
    return { call: { ...call, body: breakOff(toGatewayError(error)) }, asked: null, drop: spool.close };
  }
  const asked = { model: model.read(), stream: false, print: print.end() };
  const { stream, drop } = playOnce(spool);
  return { call: { ...call, body: stream }, asked, drop };
}

function breakOff(error: GatewayError): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.error(error) });
}

function playOnce(spool: Spool): { stream: ReadableStream<Uint8Array>; drop(): Promise<void> } {
  const next = spool.cursor();
  let isRead = false;
  const stream = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        isRead = true;
        const piece = await next();
        if (piece !== null) return controller.enqueue(piece);
        await spool.close();
        controller.close();
      },
      cancel: spool.close,
    },
    // Nothing is read before somebody asks for it.
    { highWaterMark: 0 },
  );
  return { stream, drop: async () => (isRead ? undefined : spool.close()) };
}

/** What stands between the boundaries: a client makes those anew for each of its tries. */
function createFormPrint(boundary: string): { push(chunk: Uint8Array): void; end(): string } {
  const hash = createHash("sha256");
  const mark = Buffer.from(boundary);
  let held = Buffer.alloc(0);
  return {
    push(chunk) {
      const bytes = Buffer.concat([held, chunk]);
      let at = 0;
      for (let found = bytes.indexOf(mark); found !== -1; found = bytes.indexOf(mark, at)) {
        hash.update(bytes.subarray(at, found)).update("\0");
        at = found + mark.length;
      }
      const rest = Math.max(at, bytes.length - mark.length + 1);
      hash.update(bytes.subarray(at, rest));
      held = bytes.subarray(rest);
    },
    end: () => hash.update(held).digest("base64url"),
  };
}

/** For the books; of a form that cannot be read there is none. */
function createModelReader(boundary: string): { push(chunk: Uint8Array): void; read(): string } {
  let model = "";
  let scanner: MultipartScanner | null = createMultipartScanner(boundary, (name) => name === "model");
  return {
    push(chunk) {
      try {
        for (const { field, bytes } of scanner?.push(chunk) ?? []) {
          if (field !== null) model = Buffer.from(bytes).toString("utf8").trim();
        }
      } catch {
        scanner = null;
      }
    },
    read: () => model,
  };
}
