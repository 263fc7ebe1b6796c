// The answer to a removal: nothing, or what is gone, where somebody asks for it (RFC 7240). Knows no thing.

import { z } from "zod";
import { invalidRequest } from "../ir/index.ts";

/** `gone`: as it is now, or was; null where nothing is known of it any more. The same for whoever asks again. */
export function answerGone({ headers }: Pick<Request, "headers">, gone: object | null): Response {
  if (gone === null) return new Response(null, { status: 204 });
  const wishes = (headers.get("prefer") ?? "").split(",").map((wish) => wish.trim().toLowerCase());
  if (!wishes.includes("return=representation")) return new Response(null, { status: 204 });
  return Response.json(gone, { headers: { "preference-applied": "return=representation" } });
}

export const HARD = z.object({ hard: z.boolean().optional().describe("The row goes, too; false unless it is said") });

/** `?hard=true`: the row goes, too. */
export function readHard(query: URLSearchParams): boolean {
  const text = query.get("hard") ?? "false";
  if (text === "true" || text === "false") return text === "true";
  throw invalidRequest("hard is true or false.", "hard");
}
