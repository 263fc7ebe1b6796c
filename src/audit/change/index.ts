// The door of the record of changes.
export { checkAction } from "./action.ts";
export type * from "./book.ts";
export type * from "./finding.ts";
export * from "./print.ts";
export * from "./verify.ts";
