// An export as it comes from a gateway elsewhere, with its rows counted on the way. A line break in quotes ends no row of a CSV. Holds no piece.

import { CliError, EXIT } from "../error.ts";

const [LINE_FEED, QUOTE] = [10, 34];

/** The head of a CSV is no row. Throws where it breaks off. */
export async function* countRows(
  body: ReadableStream<Uint8Array> | null,
  format: "csv" | "jsonl",
): AsyncGenerator<{ bytes: Uint8Array; rows: number }, void> {
  const isCsv = format === "csv";
  let isQuoted = false;
  let heads = isCsv ? 1 : 0;
  try {
    for await (const bytes of body ?? []) {
      let rows = 0;
      for (const byte of bytes) {
        if (byte === QUOTE && isCsv) isQuoted = !isQuoted;
        else if (byte === LINE_FEED && !isQuoted) rows++;
      }
      const lines = Math.max(0, rows - heads);
      heads = Math.max(0, heads - rows);
      yield { bytes, rows: lines };
    }
  } catch (cause) {
    if (cause instanceof CliError) throw cause;
    throw new CliError("The gateway broke off in the middle of the export: what was written is not all of it.", {
      exitCode: EXIT.unavailable,
      hint: "Say it again; what was written so far is written anew.",
    });
  }
}
