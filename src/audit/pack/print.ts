// Prints what follows from the rows of a pack: summary, tables and usage frames. The same for who writes a pack and for who checks one, who prints
// them anew. Knows no archive.

import type { SealedEntry, SealedRecount } from "../../ledger/index.ts";
import { canonicalize } from "../../lib/canonical-json.ts";
import { FILES, type Manifest } from "./layout.ts";
import { type Flagged, printPage } from "./page.ts";
import { sumInput } from "./part.ts";
import { printReadme } from "./readme.ts";
import { type Summary, createSummary } from "./summary.ts";
import * as table from "./table.ts";

/** Raised when any text here or sum in it comes out otherwise for the same rows: a pack names the printer that it was made with. */
export const PRINTER = 1;

/** Files with lines for each row. */
export const LINE_FILES = ["recountsCsv", "rowsCsv", "usage"] as const;

type LineFile = (typeof LINE_FILES)[number];

export interface Printer {
  summary: Summary;
  begin(): Promise<void>;
  /** `call`: itself, or the one that it corrects. */
  addEntry(row: SealedEntry, call: SealedEntry): Promise<void>;
  addRecount(row: SealedRecount, call: SealedEntry): Promise<void>;
  recounts(): number;
  /** The other files, by name, when all rows are in; in the order in which they lie in the archive. */
  end(about: Ending): [string, Iterable<string>][];
}

/** What of the files does not follow from the rows. */
export interface Ending {
  about: Pick<Manifest, "from" | "model" | "notes" | "providers" | "to">;
  fingerprint: string;
  /** Of each price of the summary, in its order. */
  rates: readonly (string | null)[];
  hasIdentities: boolean;
}

/** Flagged rows on the page; all of them are in the table. */
const MAX_FLAGGED = 500;

export function createPrinter(
  providers: ReadonlySet<string>,
  write: (file: LineFile, text: string) => Promise<void> | void,
): Printer {
  const summary = createSummary(providers);
  const flagged: Flagged[] = [];
  let moreFlagged = 0;
  let recounts = 0;
  return {
    summary,
    recounts: () => recounts,
    async begin() {
      await write("rowsCsv", table.ROW_HEAD);
      await write("recountsCsv", table.RECOUNT_HEAD);
    },
    async addEntry(row, call) {
      summary.addEntry(row, call);
      await write("rowsCsv", table.printRow(row));
      for (const frame of printFrames(row)) await write("usage", frame);
    },
    async addRecount(row, call) {
      recounts++;
      summary.addRecount(row, call);
      await write("recountsCsv", table.printRecount(row, call));
      if (row.verdict !== "over" && row.verdict !== "under") return;
      if (flagged.length < MAX_FLAGGED) flagged.push(flag(row.verdict, row, call));
      else moreFlagged++;
    },
    end({ about, fingerprint, rates, hasIdentities }) {
      const prices = summary.prices().map((price, at) => ({ ...price, rates: rates[at] ?? null }));
      return [
        [FILES.readme, [printReadme(fingerprint, hasIdentities)]],
        [FILES.summaryHtml, [printPage({ about, fingerprint, summary, prices, flagged, moreFlagged })]],
        [FILES.summaryCsv, table.printSummaryTable(summary.groups(), summary.total())],
        [FILES.prices, table.printPriceTable(prices)],
      ];
    },
  };
}

function* printFrames({ chain, seq, id, attempts }: SealedEntry): Generator<string> {
  for (const [index, { provider, model, upstreamRequestId, usageRaw }] of attempts.entries()) {
    if (usageRaw === undefined) continue;
    const place = { chain, seq, id, attempt: index + 1 };
    yield `${canonicalize({ ...place, provider, model, upstream_request_id: upstreamRequestId, usage: usageRaw })}\n`;
  }
}

function flag(verdict: string, row: SealedRecount, call: SealedEntry): Flagged {
  return {
    at: call.createdAt,
    requestId: call.requestId,
    upstreamIds: table.listUpstreamIds(call),
    model: call.modelServed ?? call.modelAsked,
    verdict,
    booked: `${sumInput(call) ?? "–"} / ${call.outputTokens ?? "–"}`,
    counted: `${row.inputTokens ?? "–"} / ${row.outputTokens ?? "–"}`,
  };
}
