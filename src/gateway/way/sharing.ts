// What gateways tell each other of the providers' health. Knows no way of telling: whoever has one is given.

import type { Control } from "./control.ts";
import type { Finding, PlaceName } from "./place.ts";

export type News =
  | { kind: "control"; put: Control }
  | { kind: "finding"; finding: Finding }
  | { kind: "lift"; name: PlaceName }
  | { kind: "reset"; name: PlaceName };

/** None of it throws, rejects or waits: while the others cannot be reached, each goes by what it knows itself. */
export interface Sharing {
  tell(news: News): void;
  /** Whether the others hear it at present; null where there are none but processes of the same gateway. */
  isConnected(): boolean | null;
  stop(): void;
}

/** `hear` is told what others say, and at the beginning what they said before. */
export type OpenSharing = (hear: (news: News) => void) => Sharing;

/** Null for what is none of ours: other editions of us may share the same place. */
export function readNews(value: unknown): News | null {
  if (!isRecord(value)) return null;
  const { kind } = value;
  if (kind === "control" && isControl(value["put"])) return { kind, put: value["put"] };
  if (kind === "finding" && isFinding(value["finding"])) return { kind, finding: value["finding"] };
  if ((kind === "lift" || kind === "reset") && isName(value["name"])) return { kind, name: value["name"] };
  return null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function isName(value: unknown): value is PlaceName {
  if (!isRecord(value)) return false;
  const { provider, account, model } = value;
  return typeof provider === "string" && [account, model].every((each) => each === null || typeof each === "string");
}

function isControl(value: unknown): value is Control {
  if (!isName(value)) return false;
  const { action, sinceMs, by } = value as Partial<Record<keyof Control, unknown>>;
  return (action === "disable" || action === "drain") && Number.isFinite(sinceMs) && typeof by === "string";
}

function isFinding(value: unknown): value is Finding {
  if (!isName(value)) return false;
  const { kind, reason, forMs } = value as Partial<Record<keyof Finding, unknown>>;
  const isTime = forMs === null || (typeof forMs === "number" && forMs >= 0 && forMs <= MOST_MS);
  return (kind === "breaker" || kind === "park") && typeof reason === "string" && isTime;
}

/** Nothing is left alone for longer because somebody else said so. */
const MOST_MS = 7 * 86_400_000;
