// A failure on its way from one process of the gateway to another: what the caller is shown survives, with the words of its causes. Knows no failure by name.

import { type ErrorKind, GatewayError } from "../../ir/index.ts";
import { explainError } from "../../telemetry/log.ts";

export interface Fault {
  message: string;
  cause: string | undefined;
  /** Null where it is none of the gateway's own. */
  own: {
    kind: ErrorKind;
    code: string | undefined;
    param: string | undefined;
    retryAfterMs: number | undefined;
    isOfTarget: boolean;
    limited: "requests" | "tokens" | undefined;
    headers: Readonly<Record<string, string>>;
  } | null;
}

export function encodeFault(error: unknown): Fault {
  if (!(error instanceof GatewayError)) return { message: explainError(error), cause: undefined, own: null };
  const { kind, code, param, retryAfterMs, isOfTarget, limited, headers, message, cause } = error;
  return {
    message,
    cause: cause === undefined ? undefined : explainError(cause),
    own: { kind, code, param, retryAfterMs, isOfTarget, limited, headers },
  };
}

export function decodeFault({ message, cause, own }: Fault): Error {
  if (own === null) return new Error(message);
  const { headers, ...init } = own;
  const error = new GatewayError({ ...init, message, ...(cause === undefined ? {} : { cause: new Error(cause) }) });
  error.headers = headers;
  return error;
}
