// What survives on the way from each client format to each provider and back, found out by doing it: every feature's probe goes through the
// very codecs and the very plan that requests go through, and is judged by what comes out. Knows no format and no vendor.

import type { Provider } from "../provider/index.ts";
import { type ChatWire, WIRES, type Wire } from "../wire/index.ts";
import { ANSWER_PROBES } from "./capability-answer.ts";
import { type Finding, judgeAnswer, judgeRequest, openPair } from "./capability-judge.ts";
import { REQUEST_PROBES } from "./capability-request.ts";

export type { Verdict } from "./capability-judge.ts";

export interface Capability extends Finding {
  /** The client's format. */
  surface: string;
  provider: string;
  model: string;
  feature: string;
}

export interface ProbedProvider {
  /** What it is called in the answer. */
  name: string;
  provider: Provider;
  model: string;
}

/** The client formats that can be translated. */
export const SURFACES: readonly ChatWire[] = Object.values<Wire>(WIRES).flatMap((wire) =>
  wire.operation === "chat" ? [wire] : [],
);

/** In the order in which they are listed. */
export const FEATURES: readonly { feature: string; about: string }[] = [...REQUEST_PROBES, ...ANSWER_PROBES].map(
  ({ feature, about }) => ({ feature, about }),
);

/** The cells of one client format and one provider at a time, so that a server can do other things between them. */
export function* probeCapabilities(
  probed: readonly ProbedProvider[],
  wants: (cell: Pick<Capability, "feature" | "surface">) => boolean = () => true,
): Generator<Capability[]> {
  for (const { name, provider, model } of probed) {
    for (const client of SURFACES) {
      const pair = openPair(client, provider, model);
      const judge = ({ feature }: { feature: string }, find: () => Finding): Capability[] =>
        wants({ feature, surface: client.id })
          ? [{ surface: client.id, provider: name, model, feature, ...find() }]
          : [];
      yield [
        ...REQUEST_PROBES.flatMap((probe) => judge(probe, () => judgeRequest(pair, probe))),
        ...ANSWER_PROBES.flatMap((probe) => judge(probe, () => judgeAnswer(pair, probe))),
      ];
    }
  }
}
