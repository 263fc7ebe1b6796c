// The door of the room.
export * from "./authority.ts";
export * from "./create-directory.ts";
export type { DirectoryOptions } from "./context.ts";
export type * from "./directory.ts";
export * from "./invite.ts";
export * from "./key-ring.ts";
export * from "./model.ts";
export type * from "./object.ts";
export * from "./origin.ts";
export type { Page, PageWish } from "./page.ts";
export * from "./print.ts";
export type { KeyFault } from "./ring-copy.ts";
export * from "./session-directory.ts";
export type * from "./session.ts";
export * from "./sign-in.ts";
export type * from "./store.ts";
export * from "./token.ts";
