// Whether nothing of a request may be left out silently: by its key, or by its own word. Knows no format.

import type { Call } from "./call.ts";

export function readStrict({ caller, headers }: Pick<Call, "caller" | "headers">): boolean {
  const asked = headers.get("x-tokligence-strict");
  return asked === null ? caller.isStrict : asked !== "false" && asked !== "0";
}
