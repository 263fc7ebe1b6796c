// Goes along the chain of a pack from link to link: each row that is shown must lie where the proof says, and each stretch must end in what was
// signed. Holds one line of each file at a time. Knows no zip.

import { type Json, type JsonObject, isJsonObject } from "../../ir/index.ts";
import { type Head, digestText, isSigned, linkTo, nameHead, readHead } from "../../ledger/index.ts";
import type { LineReader } from "./lines.ts";
import { type RowFigures, listKnownCosts, readOwnPart } from "./part.ts";
import { FILES, type ManifestChain, type PackTotals } from "./layout.ts";

/** What is wrong, where. */
export interface Problem {
  file: string;
  problem: string;
}

export interface ChainInput {
  rows: LineReader;
  recounts: LineReader;
  proof: LineReader;
  heads: LineReader;
  chains: readonly ManifestChain[];
  providers: readonly string[];
  report: (problem: Problem) => void;
  /** Each row that the pack shows, in the order of the chains. */
  onShown?: (shown: { value: JsonObject; hash: string; isEntry: boolean }) => Promise<void>;
  onProgress?: (links: number) => void;
}

export interface ChainResult {
  totals: PackTotals;
  /** As packs of earlier versions add it up. */
  earlierCostNanos: string;
  heads: number;
  foreign: number;
}

/** A line that is about a place in a chain. */
interface Placed {
  file: string;
  line: string;
  chain: string;
  seq: number;
  value: JsonObject;
}

interface Walk extends ChainInput {
  shownRows: ReturnType<typeof createPeeker>;
  shownRecounts: ReturnType<typeof createPeeker>;
  links: ReturnType<typeof createProofReader>;
  totals: ReturnType<typeof createTotals>;
  counts: Map<string, Pick<ManifestChain, "foreign" | "recounts" | "rows">>;
  signedHeads: number;
}

export async function checkChains(input: ChainInput): Promise<ChainResult> {
  const walk: Walk = {
    ...input,
    shownRows: createPeeker(FILES.rows, input.rows),
    shownRecounts: createPeeker(FILES.recounts, input.recounts),
    links: createProofReader(input.proof),
    totals: createTotals(new Set(input.providers)),
    counts: new Map(),
    signedHeads: 0,
  };
  let segment = await walk.links.segment();
  while (segment !== null && (await followSegment(walk, segment))) segment = await walk.links.segment();
  if (segment === null) await checkLeft(walk);
  const foreign = [...walk.counts.values()].reduce((sum, count) => sum + count.foreign, 0);
  return { ...walk.totals.sum(), heads: walk.signedHeads, foreign };
}

/** False where it breaks off, which is reported. */
async function followSegment(walk: Walk, { chain, from, to, previous, head }: ReadSegment): Promise<boolean> {
  const { report } = walk;
  const known = walk.chains.find((other) => other.chain === chain);
  if (known === undefined) {
    report({ file: FILES.proof, problem: `The proof speaks of the chain ${chain}, which the manifest does not know.` });
    return false;
  }
  const end = to ?? known.end?.seq ?? 0;
  let hash = previous;
  for (let seq = from; seq <= end; seq++) {
    const next = await followLink(walk, chain, seq, hash);
    if (next === null) {
      const problem = `The place ${seq} of the chain ${chain} is not covered once: a row is missing, or there twice.`;
      report({ file: FILES.proof, problem });
      return false;
    }
    hash = next;
    if (seq % 10_000 === 0) walk.onProgress?.(seq);
  }
  if (head !== null) {
    walk.signedHeads++;
    const found = await readNextHead(walk.heads);
    checkHead(found, { chain, from, end, hash, headName: head, publicKey: known.public_key }, report);
  } else if (known.end?.hash !== hash) {
    report({
      file: FILES.proof,
      problem: `${describe(chain, from, end)} do not lead to the end that the manifest attests.`,
    });
  }
  return true;
}

/** The hash at that place; null where no row, or more than one, is there for it. */
async function followLink(walk: Walk, chain: string, seq: number, previous: string): Promise<string | null> {
  const [row, recount] = [await walk.shownRows.at(chain, seq), await walk.shownRecounts.at(chain, seq)];
  const shown = row ?? recount;
  const said = await walk.links.link(seq, shown === null ? "digest" : "hash");
  if (said === null || (row !== null && recount !== null)) return null;
  const count = walk.counts.get(chain) ?? { rows: 0, recounts: 0, foreign: 0 };
  walk.counts.set(chain, count);
  if (shown === null) {
    count.foreign++;
    return linkTo(previous, said);
  }
  if (row === null) count.recounts++;
  else count.rows++;
  walk.totals.add(shown.value, row !== null);
  if (linkTo(previous, digestText(shown.line)) !== said) walk.report(nameChanged(shown));
  await walk.onShown?.({ value: shown.value, hash: said, isEntry: row !== null });
  return said;
}

/** What no proof needed, and what the manifest counts otherwise. */
async function checkLeft({ shownRows, shownRecounts, heads, chains, counts, report }: Walk): Promise<void> {
  for (const peeker of [shownRows, shownRecounts]) {
    const left = await peeker.left();
    if (left === null) continue;
    report({ file: left.file, problem: `The row at place ${left.seq} of the chain ${left.chain} is in no proof.` });
  }
  if ((await heads.next()) !== null) report({ file: FILES.heads, problem: "There is a head that no proof needs." });
  for (const { chain, rows, recounts, foreign } of chains) {
    const found = counts.get(chain) ?? { rows: 0, recounts: 0, foreign: 0 };
    if (found.rows === rows && found.recounts === recounts && found.foreign === foreign) continue;
    report({
      file: FILES.manifest,
      problem:
        `The manifest says that the chain ${chain} has ${rows} rows, ${recounts} recounts and ${foreign} digests here; ` +
        `found were ${found.rows}, ${found.recounts} and ${found.foreign}.`,
    });
  }
}

function describe(chain: string, from: number, to: number): string {
  return `The rows ${from} to ${to} of the chain ${chain}`;
}

async function readNextHead(lines: LineReader): Promise<{ head: Head; continues: string | null } | null> {
  const line = await lines.next();
  return line === null ? null : readHead(parseLine(line));
}

interface Expected {
  chain: string;
  from: number;
  end: number;
  hash: string;
  headName: string;
  publicKey: string;
}

function checkHead(
  found: { head: Head; continues: string | null } | null,
  { chain, from, end, hash, headName, publicKey }: Expected,
  report: ChainInput["report"],
): void {
  if (found === null || nameHead(found.head) !== headName || found.head.chain !== chain || found.head.seq !== end) {
    report({
      file: FILES.heads,
      problem: `The head ${headName}, which should sign the rows ${from} to ${end}, is not there.`,
    });
    return;
  }
  if (found.head.publicKey !== publicKey || !isSigned(found.head, found.continues)) {
    report({ file: FILES.heads, problem: `The signature of the head ${headName} does not hold.` });
    return;
  }
  if (found.head.hash !== hash) {
    report({
      file: FILES.rows,
      problem: `${describe(chain, from, end)} do not lead to the head that was signed: one of them was changed.`,
    });
  }
}

function nameChanged({ file, chain, seq, value }: Placed): Problem {
  const id = textOf(value["id"] ?? value["entryId"]);
  return { file, problem: `The row ${id} at place ${seq} of the chain ${chain} was changed, or moved there.` };
}

function parseLine(line: string): Json {
  try {
    return JSON.parse(line) as Json;
  } catch {
    return null;
  }
}

/** Lines in the order of the chains, looked at before they are taken. */
function createPeeker(file: string, lines: LineReader) {
  let held: Placed | null = null;
  const peek = async (): Promise<Placed | null> => {
    if (held !== null) return held;
    const line = await lines.next();
    if (line === null) return null;
    const value = parseLine(line);
    if (!isJsonObject(value)) throw new Error("a line is no row");
    held = { file, line, chain: textOf(value["chain"]), seq: Number(value["seq"]), value };
    return held;
  };
  return {
    /** The line about that place; null where the next is about another. */
    async at(chain: string, seq: number): Promise<Placed | null> {
      const next = await peek();
      if (next === null || next.chain !== chain || next.seq !== seq) return null;
      held = null;
      return next;
    },
    left: peek,
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

interface ReadSegment {
  chain: string;
  from: number;
  to: number | null;
  previous: string;
  head: string | null;
}

function createProofReader(lines: LineReader) {
  let held: JsonObject | null = null;
  const peek = async (): Promise<JsonObject | null> => {
    if (held !== null) return held;
    const line = await lines.next();
    if (line === null) return null;
    const value = parseLine(line);
    if (!isJsonObject(value)) throw new Error("a line of it is no JSON");
    held = value;
    return held;
  };
  return {
    async segment(): Promise<ReadSegment | null> {
      const value = (await peek())?.["segment"];
      if (value === undefined && held === null) return null;
      if (!isJsonObject(value)) throw new Error("a stretch of it does not begin where it should");
      held = null;
      const { chain, from, to, previous, head } = value;
      return {
        chain: textOf(chain),
        from: Number(from),
        to: typeof to === "number" ? to : null,
        previous: textOf(previous),
        head: typeof head === "string" ? head : null,
      };
    },
    /** What is said of that place; null where nothing of that kind is. */
    async link(seq: number, kind: "digest" | "hash"): Promise<string | null> {
      const value = await peek();
      const said = value?.[kind];
      if (value?.["seq"] !== seq || typeof said !== "string") return null;
      held = null;
      return said;
    },
  };
}

function createTotals(providers: ReadonlySet<string>) {
  const totals = { calls: 0, corrections: 0, recounts: 0, input_tokens: 0, output_tokens: 0 };
  const known = new Map<unknown, number[]>();
  let cost = 0n;
  let earlierCost = 0n;
  return {
    add(row: JsonObject, isEntry: boolean): void {
      if (!isEntry) {
        totals.recounts++;
        return;
      }
      const figures = row as unknown as RowFigures;
      if (row["kind"] === "correction") totals.corrections++;
      else {
        totals.calls++;
        const costs = listKnownCosts(figures);
        if (costs.some((nanos) => nanos !== 0)) known.set(row["id"], costs);
      }
      // A row that is none of ours is told by its hash; what is added up of it does not matter.
      const part = readOwnPart(figures, providers, known.get(row["corrects"]));
      totals.input_tokens += part.input;
      totals.output_tokens += part.output;
      cost += part.cost;
      // They counted twice what was known of a part when a correction brought the whole.
      earlierCost += readOwnPart(figures, providers).cost;
    },
    sum: (): Pick<ChainResult, "earlierCostNanos" | "totals"> => ({
      totals: { ...totals, cost_nanos: cost.toString() },
      earlierCostNanos: earlierCost.toString(),
    }),
  };
}
