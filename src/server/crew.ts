// What several processes that serve one address as one have of each other: for the routes, the caps and the figures of each. Knows no way from one to
// another; whoever has one is given.

import type { KeyState, MakeGate, PlaceState } from "../gateway/index.ts";
import type { Listener, Pass } from "./mount.ts";
import type { Route } from "./route.ts";

/** `kept`: the addresses of kept answers; `office`: all that one process answers for all of them. */
type Passed = "kept" | "office";

export interface Crew {
  /** The answer of the process whose business it is; null where that is this one. */
  pass(part: Passed, request: Request, listener: Listener | undefined): Promise<Response> | null;
  /** Whether it answers for all: then it probes, and shows how they all do. */
  isOffice: boolean;
  /** How the providers are doing by what the others found out. */
  places(): readonly PlaceState[];
  keys(): readonly KeyState[];
  /** The answers about which the others go on to ask their providers. */
  pending(): readonly string[];
  /** Looks at all of it anew. Never rejects. */
  look(): Promise<void>;
  /** What the others counted under that name, all together. */
  count(name: string): number;
  makeGate?: MakeGate;
  /** Whether the process that holds limits and budgets for all hangs; missing where that is this one. */
  isSilent?(): boolean;
}

/** The routes that may be the business of another process. */
export function listPasses(
  crew: Crew | undefined,
  groups: Readonly<Record<Passed, readonly Route[]>>,
): { passes?: ReadonlyMap<Route, Pass> } {
  if (crew === undefined) return {};
  const list = (part: Passed): [Route, Pass][] =>
    groups[part].map((route) => [route, (request, listener) => crew.pass(part, request, listener)]);
  return { passes: new Map([...list("kept"), ...list("office")]) };
}
