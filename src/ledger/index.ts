// The door of the room.
export type * from "./entry.ts";
export * from "./estimate.ts";
export * from "./money.ts";
export * from "./price.ts";
export * from "./print.ts";
export type * from "./store.ts";
export * from "./writer.ts";
