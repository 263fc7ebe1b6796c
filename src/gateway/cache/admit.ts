// An answer that is given again is a request of its caller's like any other, which uses no tokens: the rate limits that count requests count it, too.
// What depends on whom a call goes to does not: nobody is called. Knows no format.

import { toGatewayError } from "../../ir/index.ts";
import type { GatewayTools } from "../call.ts";
import { type Limiting, NO_TOKENS, openLimiting } from "../limit/index.ts";
import type { Repeat } from "./asked.ts";
import type { BookAside } from "./book.ts";

/**
 * What the answer's headers say of limits; undefined where none concerns it. Rejects with a GatewayError of kind `rate_limited`, which `book` was
 * given then.
 */
export function admitAgain(
  asked: Repeat,
  tools: GatewayTools,
  book: BookAside,
): Promise<Record<string, string> | null> | undefined {
  const { caller, wire } = asked.call;
  const limiting = openLimiting({ limits: tools.limits, caller, wire });
  // It has no place among requests at once: it is over as soon as it is there.
  const admitting = limiting.admit(() => NO_TOKENS, true);
  return admitting === undefined ? undefined : settle(asked, { book, limiting, admitting });
}

interface Admitting {
  book: BookAside;
  limiting: Limiting;
  admitting: Promise<void>;
}

async function settle(asked: Repeat, { book, limiting, admitting }: Admitting): Promise<Record<string, string> | null> {
  try {
    await admitting;
    limiting.settle(() => ({ modelAsked: asked.peek.model, at: [], isRefused: false }));
    return limiting.headers();
  } catch (error) {
    const failure = toGatewayError(error);
    failure.headers = { ...limiting.headers(), ...failure.headers };
    await book({ reuse: null, modelServed: null, status: failure.status, errorKind: failure.kind });
    throw failure;
  }
}
