// How a call that failed is closed: its line is cut, its row written, and the failure given back as it may be told. Knows no format.

import { type GatewayError, toGatewayError } from "../ir/index.ts";
import type { GatewayTools, Scene } from "./call.ts";
import { redactFailure } from "./failure.ts";
import { type Presence, tellEnd } from "./presence.ts";
import type { CallRecord } from "./record.ts";
import type { Line } from "./send.ts";

interface Closing {
  /** Rejects where the row cannot be written. */
  close(error: unknown): Promise<GatewayError>;
  /** Of a stream that has begun, with comments alone: nobody but the log hears of it. Never rejects. */
  fail(error: unknown): Promise<GatewayError>;
}

interface ClosingInit {
  call: { requestId: string; signal: Presence };
  scene: Pick<Scene, "redact">;
  record: Pick<CallRecord, "describe" | "settle">;
  line: Pick<Line, "release">;
  report: GatewayTools["report"];
}

const STREAM_BEGAN = 200;

export function prepareClosing({ call, scene, record, line, report }: ClosingInit): Closing {
  const close = async (error: unknown, status: number | null): Promise<GatewayError> => {
    const failure = redactFailure(tellEnd(toGatewayError(error), call.signal), scene.redact);
    line.release(true);
    await record.settle(status === null || failure.kind === "cancelled" ? failure.status : status, failure);
    // What was reserved is given back by now, and is told as left.
    failure.headers = { ...record.describe(), ...failure.headers };
    return failure;
  };
  return {
    close: (error) => close(error, null),
    async fail(error) {
      const failure = await close(error, STREAM_BEGAN).catch(toGatewayError);
      if (failure.kind !== "cancelled") report(failure, call.requestId);
      return failure;
    },
  };
}
