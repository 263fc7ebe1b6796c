// `tokligence admin health list`: every provider of the running gateway with its models and keys, and what is left alone until when.

import { defineCommand } from "citty";
import { printJson, printTable } from "../../output.ts";
import { GATEWAY_ARGS, askGateway } from "./gateway.ts";

interface PrintedPlace {
  model: string;
  key: string | null;
  state: string;
  action?: string;
  open_until: string | null;
  parked: string | null;
  parked_until: string | null;
  error_rate: number | null;
  latency_ms: number | null;
  in_flight: number;
  last_failure: { reason: string } | null;
}

export interface PrintedProvider {
  provider: string;
  ready: boolean;
  state: string;
  keys: { key: string | null; state: string; reason: string | null; parked_until: string | null }[];
  models: PrintedPlace[];
}

export default defineCommand({
  meta: { name: "list", description: "Show how every provider, model and key is doing" },
  args: { ...GATEWAY_ARGS },
  async run({ args }) {
    const path = "/api/v1/admin/health/providers";
    const answer = await askGateway<{ providers: PrintedProvider[] }>(args, { method: "GET", path }, "providers");
    if (args.json === true) return printJson(answer);
    const rows = answer.providers.flatMap((provider) => [
      ...toRows(provider),
      ...provider.models.map((place) => toLine(provider, place)),
    ]);
    printTable(rows, ["provider", "key", "model", "state", "reason", "until", "errors", "latency_ms", "in_flight"]);
  },
});

interface Row {
  provider: string;
  key: string | null;
  model: string | null;
  state: string;
  reason: string | null;
  until: string | null;
  errors: string | null;
  latency_ms: number | null;
  in_flight: number | null;
}

const EMPTY = { key: null, model: null, reason: null, until: null, errors: null, latency_ms: null, in_flight: null };

/** One for the provider, and one for each of its keys that is not used. */
function toRows({ provider, ready, state, keys }: PrintedProvider): Row[] {
  const own = keys.filter((each) => each.state !== "ok" && each.state !== state);
  return [
    { ...EMPTY, provider, state: ready ? state : "not configured" },
    ...own.map(({ key, state: of, reason, parked_until: until }) => ({
      ...EMPTY,
      provider,
      key,
      state: of,
      reason,
      until,
    })),
  ];
}

/** As providers' own lines have it. */
const STATES: Readonly<Record<string, string>> = { disable: "disabled", drain: "drained" };

function toLine({ provider }: PrintedProvider, place: PrintedPlace): Row {
  const {
    key,
    model,
    state,
    action,
    parked,
    open_until: openUntil,
    parked_until: parkedUntil,
    error_rate: rate,
  } = place;
  return {
    provider,
    key,
    model,
    state: action === undefined ? (parked === null ? state : "parked") : (STATES[action] ?? action),
    reason: parked ?? (state === "closed" ? null : (place.last_failure?.reason ?? null)),
    until: parkedUntil ?? openUntil,
    errors: rate === null ? null : `${Math.round(rate * 100)}%`,
    latency_ms: place.latency_ms,
    in_flight: place.in_flight,
  };
}
