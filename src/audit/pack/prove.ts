// Proves rows to lie in a chain under its signed heads, without showing the rows in between: of these, a digest is enough to go from one link
// to the next. Writes as it goes. Knows no SQL and no file.

import { GatewayError } from "../../ir/index.ts";
import { type Head, digestRow, nameHead } from "../../ledger/index.ts";
import type { ChainReader } from "../verify/reader.ts";
import type { About, PackBooks } from "./books.ts";
import type { ProofSegment } from "./layout.ts";
import { type Link, readLinks } from "./link.ts";

export interface ProofOutput {
  segment(segment: ProofSegment): Promise<void>;
  /** A row of others, by its digest. */
  foreign(seq: number, digest: string): Promise<void>;
  /** A row of the pack, by its hash. */
  shown(seq: number, hash: string): Promise<void>;
  head(head: Head): Promise<void>;
}

export interface Prover {
  /** The next row that the pack shows; in the order of the chain. */
  add(row: About["row"]): Promise<void>;
  /** Where the chain ends for the pack, if no signed head of it comes after the last row. */
  end(): Promise<{ seq: number; hash: string } | null>;
}

interface Open {
  head: Head | null;
  /** The chain from the first row on, read as it goes. */
  links: AsyncGenerator<Link, undefined>;
  /** Last place that is proved. */
  seq: number;
  hash: string;
}

export interface ProofSource {
  books: Pick<PackBooks, "heads">;
  chains: Pick<ChainReader, "link" | "recheck" | "rows">;
}

export function createProver({ books, chains }: ProofSource, chain: string, output: ProofOutput): Prover {
  let open: Open | null = null;

  /** The row behind the last one. */
  const readNext = async (at: Open): Promise<Link> => {
    const { value } = await at.links.next();
    if (value?.seq !== at.seq + 1) throw torn(chain, at.seq + 1);
    ({ seq: at.seq, hash: at.hash } = value);
    return value;
  };

  /** The rows from behind the last one to before `seq`, by their digests. */
  const bridge = async (at: Open, seq: number): Promise<void> => {
    while (at.seq < seq - 1) {
      const { seq: place, digest } = await readNext(at);
      await output.foreign(place, digest);
    }
  };

  const finish = async (at: Open): Promise<void> => {
    if (at.head === null) return;
    await bridge(at, at.head.seq + 1);
    if (at.hash !== at.head.hash) throw torn(chain, at.head.seq);
    await output.head(at.head);
  };

  const begin = async (seq: number): Promise<Open> => {
    const head = (await books.heads(chain, seq, 1))[0] ?? null;
    const previous = await findHash({ books, chains }, chain, seq - 1);
    const to = head?.seq ?? null;
    await output.segment({ chain, from: seq, to, previous, head: head === null ? null : nameHead(head) });
    const links = readLinks(chains, chain, { seq: seq - 1, hash: previous }, to ?? Number.MAX_SAFE_INTEGER);
    return { head, links, seq: seq - 1, hash: previous };
  };

  return {
    async add(row) {
      const seq = row.seq ?? 0;
      if (open !== null && open.head !== null && open.head.seq < seq) {
        await finish(open);
        open = null;
      }
      open ??= await begin(seq);
      await bridge(open, seq);
      const { digest, hash } = await readNext(open);
      if (digest !== digestRow(row)) throw torn(chain, seq);
      await output.shown(seq, hash);
    },
    async end() {
      if (open === null) return null;
      if (open.head === null) return { seq: open.seq, hash: open.hash };
      await finish(open);
      return null;
    },
  };
}

/** Of the row at that place; where its time was over and it was removed, of the head that was signed over it. */
async function findHash({ books, chains }: ProofSource, chain: string, seq: number): Promise<string> {
  if (seq === 0) return "";
  const hash = await chains.link(chain, seq);
  if (hash !== null) return hash;
  const [head] = await books.heads(chain, seq, 1);
  if (head?.seq === seq) return head.hash;
  throw torn(chain, seq);
}

function torn(chain: string, seq: number): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "chain_broken",
    message:
      `The chain ${chain} does not hold at row ${seq}: a row is missing or was changed, so that nothing after it can be proved. ` +
      "tokligence ledger verify names what is wrong.",
  });
}
