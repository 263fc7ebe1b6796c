// The door of the room.
import type { PackBooks } from "./pack/index.ts";
import type { BookReader } from "./reconcile/index.ts";

export * from "./pack/index.ts";
export * from "./reconcile/index.ts";

/** What auditors read of the books. Fulfilled by store/. */
export interface AuditBooks extends Pick<BookReader, "calls">, PackBooks {}
