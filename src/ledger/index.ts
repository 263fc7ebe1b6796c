// The door of the room.
export type * from "./budget.ts";
export * from "./chain.ts";
export * from "./clean.ts";
export * from "./entry.ts";
export * from "./estimate.ts";
export type * from "./journal.ts";
export * from "./money.ts";
export * from "./price.ts";
export * from "./price-override.ts";
export * from "./price-tariff.ts";
export * from "./print.ts";
export type * from "./recount.ts";
export * from "./recover.ts";
export * from "./reprice.ts";
export type * from "./store.ts";
export * from "./writer.ts";
