// All that is known of a forward-only request once its upstream has answered.

import type { Provider } from "../../provider/index.ts";
import type { GatewayTools, Scene } from "../call.ts";
import type { CallRecord } from "../record.ts";
import { type Line, readUpstreamId } from "../send.ts";
import type { Deadlines } from "../way/deadline.ts";
import type { GatewayError } from "../../ir/index.ts";
import type { Arrival } from "./call.ts";
import type { Intake } from "./sending.ts";

export interface RestState<Asked extends Arrival = Arrival> {
  call: Asked;
  tools: GatewayTools;
  scene: Scene;
  plan: { provider: Provider; model: string; dropped: string[] };
  record: CallRecord;
  line: Line;
  deadlines: Deadlines;
  intake: Intake;
  upstream: Response;
  /** Milliseconds spent waiting for the upstream. */
  upstreamMs: number;
  /** True where the answer is handed on piece by piece. */
  stream: boolean;
}

/** Closes the attempt. */
export function attempted({ record, upstream }: RestState, error: GatewayError | null): void {
  record.attempted({ status: upstream.status, error, upstreamRequestId: readUpstreamId(upstream.headers) });
}
