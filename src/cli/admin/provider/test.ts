// `tokligence admin providers test`: asks a provider for its list of models, with each of its keys, from this machine: no server need run. A model is asked
// for a token by the gateway that runs, as that has a row on the books.

import { defineCommand } from "citty";
import { lookupHost } from "../../../lib/lookup.ts";
import { systemClock } from "../../../lib/clock.ts";
import { createRedactor } from "../../../lib/redact.ts";
import {
  type KeyTrial,
  guardCalls,
  makeSceneProvider,
  printTrials,
  tellUnused,
  testProvider,
} from "../../../server/index.ts";
import { CliError, EXIT } from "../../error.ts";
import { type Opened, runWithStore } from "../../open.ts";
import { callOutside } from "../../outside.ts";
import { printJson, printTable } from "../../output.ts";
import { isNamed } from "../../remote/target.ts";
import { GATEWAY_ARGS, askGateway } from "../health/gateway.ts";
import { findStanding } from "./desk.ts";
import { NAME_ARG } from "./rules.ts";

interface Printed {
  provider: string;
  ok: boolean;
  keys: KeyTrial[];
}

export default defineCommand({
  meta: { name: "test", description: "Try a provider with each of its keys, and say what to do about what fails" },
  args: {
    ...NAME_ARG,
    model: {
      type: "string",
      description: "Ask this model for one token, through the gateway that runs",
      valueHint: "MODEL",
    },
    ...GATEWAY_ARGS,
  },
  async run({ args }) {
    const { name, model } = args;
    const path = `/api/v1/admin/providers/${encodeURIComponent(name)}/test`;
    const printed =
      model === undefined && !isNamed(args)
        ? await runWithStore(args, (opened) => tryHere(opened, name))
        : await askGateway<Printed>(args, { method: "POST", path, body: model === undefined ? {} : { model } }, "keys");
    if (args.json === true) printJson(printed);
    else {
      printTable(printed.keys, ["key", "status", "http_status", "latency_ms", "models", "examples", "error", "remedy"]);
    }
    if (printed.ok) return;
    const failed = printed.keys.filter(({ status }) => status === "failed");
    throw new CliError(`Provider ${name} failed: ${failed[0]?.error ?? "no key works"}`, {
      exitCode: EXIT.failed,
      hint: failed[0]?.remedy ?? undefined,
    });
  },
});

async function tryHere(opened: Opened, written: string): Promise<Printed> {
  const name = written.toLowerCase();
  const standing = await findStanding(opened, name);
  const { config } = opened;
  // In the same shape that the gateway answers in.
  const print = (trials: readonly KeyTrial[]): Printed => printTrials(name, trials) as unknown as Printed;
  if (standing.settings === null) return print(tellUnused(standing.obstacle));
  const parts = { clock: systemClock, lookup: lookupHost };
  const guarded = guardCalls(callOutside, parts, () => config);
  const provider = makeSceneProvider(standing.settings, { ...parts, fetch: guarded, signIn: callOutside });
  const trials = await testProvider(provider, { ...parts, fetch: guarded, redact: createRedactor(config.secrets) });
  return print(trials);
}
