// A request that is not made: read as the gateway would read it, at any address of any format. Knows no provider.

import { type DryCall, type RequestFacts, openFacts } from "../gateway/index.ts";
import type { Caller } from "../identity/index.ts";
import { type JsonObject, invalidRequest } from "../ir/index.ts";
import { PLAIN_ADDRESS, WIRES, type Address, type Wire } from "../wire/index.ts";
import type { DryRun } from "./route-explain.ts";

export interface DryQuestion {
  /** An address such as `/v1/messages`, or an operation such as `messages`. */
  endpoint: string;
  body: JsonObject;
  /** In place of what the body or the address says. */
  model?: string | undefined;
  headers: Readonly<Record<string, string>>;
  /** With what its key is limited to, and what it is filed under. */
  caller: DryCall["caller"] & Pick<Caller, "limits">;
  atMs: number;
}

/** Throws invalid_request where that would be refused anyway. */
export function readDryRun({ endpoint, body: given, model, headers: said, caller, atMs }: DryQuestion): DryRun {
  const headers = readHeaders(said);
  const { wire, address: found } = findWire(endpoint);
  const isAddressed = found.model !== null;
  const body = model === undefined || isAddressed ? given : { ...given, model };
  const address = model === undefined || !isAddressed ? found : { ...found, model };
  const peek = wire.peek(body, address);
  const call = { headers, caller, startedWallMs: atMs, wire };
  const facts: RequestFacts = openFacts(call, { endpoint: wire.endpoint, isStream: peek.stream, body });
  // Tags that cannot be kept are refused before anybody is asked.
  facts.tags();
  const isStrict = headers.get("x-tokligence-strict") !== null && headers.get("x-tokligence-strict") !== "false";
  return {
    asked: { keeper: null, wire, raw: JSON.stringify(body), body, peek, isStrict, headers },
    facts,
    call,
    limits: caller.limits,
  };
}

function findWire(endpoint: string): { wire: Wire; address: Address } {
  const wires = Object.values<Wire>(WIRES);
  for (const wire of wires) {
    if (wire.endpoint === endpoint || wire.id === endpoint) return { wire, address: PLAIN_ADDRESS };
    for (const path of wire.paths) {
      const [start = "", end] = path.split("{model}");
      if (end === undefined && path === endpoint) return { wire, address: PLAIN_ADDRESS };
      if (end === undefined || !endpoint.startsWith(start) || !endpoint.endsWith(end)) continue;
      const model = decodeURIComponent(endpoint.slice(start.length, endpoint.length - end.length));
      if (model !== "") return { wire, address: { model, stream: wire.address?.(path).stream ?? null } };
    }
  }
  const known = [...new Set(wires.map((wire) => wire.endpoint))].toSorted().join(", ");
  throw invalidRequest(
    `There is no endpoint "${endpoint.slice(0, 100)}"; say an address, or one of ${known}.`,
    "endpoint",
  );
}

/** Such as a client could have sent. */
function readHeaders(said: DryQuestion["headers"]): Headers {
  const headers = new Headers();
  for (const [name, value] of Object.entries(said)) {
    if (!/^[\w!#$%&'*+.^`|~-]+$/u.test(name)) throw invalidRequest("This is no header's name.", `headers.${name}`);
    if (!/^[\t\x20-\x7e\x80-\xff]*$/u.test(value))
      throw invalidRequest(`The header ${name} holds characters that no HTTP header can carry.`, `headers.${name}`);
    headers.set(name, value);
  }
  return headers;
}
