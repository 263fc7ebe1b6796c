// Which process answers a call, where it matters: calls that name themselves meet those of the same name at the same worker, which gives one answer to all of
// them, and passes are shown to the office, which knows those that were used. Knows no process.

import { PASS_HEADER } from "../../server/index.ts";

export const OFFICE = 0;

/** Null where it does not matter. */
export function choosePeer(
  { headers, method }: Pick<Request, "headers" | "method">,
  { isOn, count }: { isOn: boolean; count: number },
): number | null {
  if (headers.has(PASS_HEADER)) return OFFICE;
  if (method !== "POST" || !isOn) return null;
  const name = headers.get("idempotency-key");
  if (name === null || name.trim() === "") return null;
  return (Bun.hash.crc32(name) % count) + 1;
}
