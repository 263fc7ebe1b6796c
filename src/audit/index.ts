// The door of the room.
import type { PackBooks } from "./pack/index.ts";
import type { BookReader } from "./reconcile/index.ts";

export * from "./change/index.ts";
export * from "./pack/index.ts";
export * from "./reconcile/index.ts";
export { type RecounterInit, type RunningRecounter, createRecounter } from "./recount/recounter.ts";
export type { PastRecount } from "./recount/lessons.ts";
export { startThread } from "./recount/thread.ts";
export * from "./token-figures.ts";
export * from "./token-report.ts";

/** What auditors read of the books. Fulfilled by store/. */
export interface AuditBooks extends Pick<BookReader, "calls" | "removedBefore">, PackBooks {}
