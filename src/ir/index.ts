// The door of the room: canonical values only.
export type * from "./embedding.ts";
export * from "./error.ts";
export * from "./event.ts";
export * from "./json.ts";
export * from "./problem.ts";
export type * from "./request.ts";
export type * from "./response.ts";
export * from "./usage.ts";
