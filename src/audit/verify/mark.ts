// What is kept beside a chain, against what is signed of it: nothing attests it, so it may say no more than that. Knows no row and no sum.

import { type Finding, makeFinding } from "./finding.ts";
import type { ChainMark, ChainReader, ChainState, Extent } from "./reader.ts";
import type { Signed } from "./signed.ts";

interface MarkInit {
  state: ChainState;
  /** As it was before the heads and the rows were looked at: a gateway signs away what goes, and moves the mark as it does. */
  mark: ChainMark | null;
  extent: Extent;
  signed: Pick<Signed, "cut" | "forgotten">;
  reader: Pick<ChainReader, "mark">;
}

/** How far rows are summed up the sums tell themselves, as long as there are such rows. */
export async function checkMark({ state, mark, extent, signed, reader }: MarkInit): Promise<Finding[]> {
  const { chain } = state;
  const { cut, forgotten } = signed;
  const found: Finding[] = [];
  const blame = (expected: string | null, value: string | null, text: string): void => {
    const own = { kind: "chain_altered", chain, table: "ledger_marks", id: chain } as const;
    found.push(makeFinding({ ...own, expected, found: value, text: `${text} What is kept beside it was altered.` }));
  };
  const end = Math.max(state.seq, extent.most, cut.seq);
  const { seq = 0, hashesSeq = 0, removedBefore = null } = mark ?? {};
  if (!(seq <= end)) {
    const said = `Chain ${chain} has come to row ${end}, and is said to be summed up to ${Number.isNaN(seq) ? "no row that there is" : seq}: what comes up to there would be in no report.`;
    blame(String(end), String(seq), said);
  }
  if (!(hashesSeq <= forgotten)) {
    const said = `Hashes of payloads of chain ${chain} are said to be gone by age up to row ${hashesSeq}, and were signed away up to ${forgotten}: those between would never go.`;
    blame(String(forgotten), String(hashesSeq), said);
  }
  if (removedBefore !== null && (cut.seq === 0 || !(removedBefore <= cut.signedAt))) {
    const when = Number.isNaN(removedBefore.getTime()) ? "no time that there is" : removedBefore.toISOString();
    const known = cut.seq === 0 ? null : cut.signedAt.toISOString();
    const truth = known === null ? "none was signed away" : `the last that did were signed away at ${known}`;
    blame(known, when, `Rows of chain ${chain} from before ${when} are said to be gone by age, and ${truth}.`);
  }
  const areGone = cut.seq > 0 && (extent.rows === 0 || extent.least > 1);
  if (areGone && removedBefore === null && ((await reader.mark(chain))?.removedBefore ?? null) === null) {
    const last = extent.rows === 0 ? cut.seq : Math.min(cut.seq, extent.least - 1);
    const said = `Rows of chain ${chain} up to ${last} are gone by age, which is signed, and none is said to be: reports would not tell that they lack them.`;
    blame(cut.signedAt.toISOString(), null, said);
  }
  return found;
}
