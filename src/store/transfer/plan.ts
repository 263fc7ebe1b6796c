// Which tables move, where each belongs where users and books lie in two databases, and what its columns hold. Knows no connection.

import { type Table, getTableColumns, getTableName } from "drizzle-orm";
import { schema } from "../postgres/schema.ts";
import type { Schema } from "../schema.ts";

/**
 * `audit`: each database records its own changes. `both`: whichever names stand there. `local`: of one file and the journal beside it, which stay
 * behind.
 */
type Home = "audit" | "both" | "identity" | "ledger" | "local";

const HOMES = {
  apiKeys: "identity",
  auditChain: "audit",
  auditChanges: "audit",
  auditHeads: "audit",
  budgetAlerts: "ledger",
  budgetGrants: "ledger",
  budgetRemains: "ledger",
  budgets: "ledger",
  counters: "both",
  ledgerChains: "ledger",
  ledgerEntries: "ledger",
  ledgerHeads: "ledger",
  ledgerHours: "ledger",
  ledgerIntents: "local",
  ledgerMarks: "ledger",
  ledgerPayloads: "ledger",
  ledgerPlaces: "local",
  ledgerRecounts: "ledger",
  ledgerRefused: "ledger",
  ledgerRollups: "ledger",
  loginLinks: "identity",
  objectBindings: "identity",
  outsideIdentities: "identity",
  providerControls: "identity",
  providerSecrets: "identity",
  providerVersions: "identity",
  rateLimits: "identity",
  routeVersions: "identity",
  runtimeSettings: "identity",
  sessions: "identity",
  signInErrands: "identity",
  storedItems: "identity",
  storedResponses: "identity",
  users: "identity",
} as const satisfies Record<keyof Schema, Home>;

export type Kind = "bool" | "int" | "json" | "real" | "text" | "time";

export interface ColumnPlan {
  name: string;
  kind: Kind;
  /** As PostgreSQL writes it. */
  type: string;
}

export interface TablePlan {
  name: string;
  home: Exclude<Home, "local">;
  columns: readonly ColumnPlan[];
  /** Place of the primary key among the columns: a text in all of them. */
  idAt: number;
  id: string;
  /** Rows that are asked for at once: few where one may be large. */
  pageRows: number;
}

/** Rows of these hold whole requests and answers, or thousands of sums. */
const LARGE: ReadonlySet<keyof Schema> = new Set<keyof Schema>(["ledgerHours", "ledgerPayloads", "storedResponses"]);
const [PAGE_ROWS, LARGE_PAGE_ROWS] = [1_000, 8];

/** In an order in which what is pointed at comes first. */
export const TABLES: readonly TablePlan[] = (Object.keys(schema) as (keyof Schema)[]).flatMap((key) => {
  const home = HOMES[key];
  return home === "local" ? [] : [planTable(key, home)];
});

function planTable(key: keyof Schema, home: TablePlan["home"]): TablePlan {
  const table: Table = schema[key];
  const found = Object.values(getTableColumns(table));
  const columns = found.map((column) => ({
    name: column.name,
    kind: findKind(column.getSQLType()),
    type: column.getSQLType(),
  }));
  const idAt = found.findIndex((column) => column.primary);
  const id = columns[idAt];
  if (id?.kind !== "text") throw new TypeError(`${key} has no primary key of text`);
  const pageRows = LARGE.has(key) ? LARGE_PAGE_ROWS : PAGE_ROWS;
  return { name: getTableName(table), home, columns, idAt, id: id.name, pageRows };
}

function findKind(type: string): Kind {
  if (type === "bigint" || type === "integer") return "int";
  if (type === "boolean") return "bool";
  if (type === "double precision") return "real";
  if (type === "jsonb") return "json";
  if (type === "text") return "text";
  if (type.startsWith("timestamp")) return "time";
  throw new TypeError(`A column of type ${type} cannot be moved.`);
}

/** A table of the target, and what its rows are made of. */
export interface Part {
  table: TablePlan;
  /** Which of the target's databases: 0 holds the users. */
  to: number;
  /** Which of the source's. */
  from: readonly number[];
  /** By its id, where not all of its rows are meant: so far of counters alone. */
  isLeftOut?: (id: string) => boolean;
}

/** By these counters a gateway says that it is alive: they move as long as one runs, and mean nothing elsewhere. */
export const HEARTBEATS = "budget_beat/";

/** Without what two databases that say the same may differ in. */
export function leaveHeartbeats(parts: readonly Part[]): Part[] {
  return parts.map((part) =>
    part.table.name === "counters" ? { ...part, isLeftOut: (id) => id.startsWith(HEARTBEATS) } : part,
  );
}

/** @param from how many databases there are; @param to likewise: one or two */
export function planParts(from: number, to: number): Part[] {
  const [last, end] = [from - 1, to - 1];
  return TABLES.flatMap((table): Part[] => {
    switch (table.home) {
      case "identity":
        return [{ table, to: 0, from: [0] }];
      case "ledger":
        return [{ table, to: end, from: [last] }];
      case "audit":
        if (last === 0) return [{ table, to: 0, from: [0] }];
        if (end === 0) return [{ table, to: 0, from: [0, 1] }];
        return [0, 1].map((at) => ({ table, to: at, from: [at] }));
      case "both":
        return Array.from({ length: to }, (_, at) => ({ table, to: at, from: last === 0 ? [0] : [0, 1] }));
      default:
        return table.home satisfies never;
    }
  });
}

export function namePart({ table, to }: Part): string {
  return `${table.name}/${to}`;
}
