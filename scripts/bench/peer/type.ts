// What takes part in a comparison: a gateway or a proxy in front of the provider of the bench. Knows no particular one.

import type { DialectId } from "../dialect/index.ts";
import type { Fill } from "../load/type.ts";
import type { Cores } from "../run/core.ts";
import type { Scenario } from "../scenario/type.ts";

export interface Peer {
  /** For people, in a line. */
  about: string;
  /** Installs what is missing; says how it is to be had where that cannot be done. */
  install?: () => Promise<void>;
  /** Whether it is to be asked at all; that it cannot do it may also turn out when it is. */
  takes(scenario: Scenario): boolean;
  start(place: Place): Promise<RunningPeer>;
}

export interface Place {
  /** Of its own, empty. */
  folder: string;
  upstreamPort: number;
  cores: Cores | null;
}

export interface RunningPeer {
  version: string;
  /** Where a request goes, and with which headers beside those of every request. */
  address(route: { client: DialectId; upstream: DialectId }): Address;
  /** Leads a group of processes on this machine, which are measured; null where it runs elsewhere. */
  pid: number | null;
  /** From its start to the first answer with 200 that came through it; null where it was running before. */
  startMs: number | null;
  /** Of all requests so far; null where it keeps no books. */
  countRows: (() => Promise<number>) | null;
  /** Rows beyond the first of a request; undefined where it keeps no books. */
  countDoubles?: () => Promise<number>;
  stop(): Promise<void>;
}

export interface Address {
  hostname: string;
  port: number;
  headers: Readonly<Record<string, string>>;
  /** In front of the paths of the format. */
  prefix?: string;
  /** What of its headers differs from request to request. */
  fills?: readonly Fill[];
}
