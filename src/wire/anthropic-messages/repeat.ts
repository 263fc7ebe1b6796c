// Which Messages may be answered with what was answered before, and by what they are told apart. Knows no cache.

import type { JsonObject } from "../../ir/index.ts";
import { objectsOf, omit, textOf } from "../json-read.ts";

/** What the provider keeps, or does elsewhere. https://platform.claude.com/docs/en/api/messages */
const EFFECTIVE = ["container", "mcp_servers", "thread"];
/** Runs in a container that the provider keeps, and names in its answer. */
const RUNS_CODE = /^code_execution/u;

/** Null where more is asked for than an answer. `metadata` says who asks, and nothing of it shows. */
export function findRepeatable(body: JsonObject): JsonObject | null {
  const isEffective = EFFECTIVE.some((name) => (body[name] ?? null) !== null);
  if (isEffective || objectsOf(body["tools"]).some((tool) => RUNS_CODE.test(textOf(tool["type"])))) return null;
  return omit(body, ["metadata"]);
}
