// A call whose body has been read, so far as is needed to tell whether its answer is there already. Knows no format.

import type { Peek, Wire } from "../../wire/index.ts";
import type { Call } from "../call.ts";
import { parseBody, refuseKey, refuseRepeated } from "../call.ts";
import type { Question } from "./key.ts";
import { readStrict } from "../strict.ts";
import { readTags } from "../tag.ts";

/** What must be known of a call that is given the answer of another one, whatever it asks. */
export interface Repeat {
  call: Pick<Call, "caller" | "headers" | "id" | "letGo" | "requestId" | "signal" | "startedMs" | "startedWallMs"> & {
    wire: Pick<Wire, "endpoint" | "limitHeaders">;
  };
  peek: Pick<Peek, "model" | "stream">;
  tags: string[] | null;
}

export interface Asked extends Question, Repeat {
  /** Reads its body no second time. */
  call: Call;
  peek: Peek;
}

/** With `asked` null where the request cannot be answered at all: whoever answers `call` tells why, and puts it on the books. */
export async function readAsked(call: Call): Promise<{ call: Call; asked: Asked | null }> {
  let raw: string;
  try {
    raw = await call.read();
  } catch (error) {
    return { call: { ...call, read: () => Promise.reject(error) }, asked: null };
  }
  const own: Call = { ...call, read: () => Promise.resolve(raw) };
  try {
    const body = parseBody(raw);
    refuseRepeated(raw);
    const peek = call.wire.peek(body, call.address);
    refuseKey(peek.model);
    return {
      call: own,
      asked: { call: own, raw, body, peek, isStrict: readStrict(call), tags: readTags(call) },
    };
  } catch {
    return { call: own, asked: null };
  }
}
