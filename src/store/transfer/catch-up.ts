// Brings over what has changed in the source of a copy since its rows were copied. Knows no engine.

import type { GatewayError } from "../../ir/index.ts";
import { type Difference, walkDifferences } from "./compare.ts";
import type { End } from "./end.ts";
import type { Part } from "./plan.ts";
import { type Row, readId } from "./row.ts";
import { type Source, joinSources } from "./source.ts";
import { writePage } from "./write-page.ts";

/** What is gone goes first, whoever points at it before it. */
export async function catchUp(source: Source, targets: readonly End[], parts: readonly Part[]): Promise<number> {
  let rows = 0;
  /** Answers what of it could not be, and why. */
  const take = async (part: Part, wanted: Difference["kind"][]): Promise<Refused[]> => {
    const target = targets[part.to] as End;
    const refusals: Refused[] = [];
    // Read in one moment while it is written to: what is written now was compared before.
    await target.snapshot(async (snapshot) => {
      // Whichever of the targets it is.
      const own = joinSources([snapshot, snapshot]);
      let page: Difference[] = [];
      const flush = async (): Promise<void> => {
        const gone = page.flatMap(({ kind, id }) => (kind === "surplus" ? [id] : []));
        const fresh = page.flatMap(({ kind, row }) => (kind === "surplus" || row === null ? [] : [row]));
        const before = refusals.length;
        if (gone.length > 0) await target.remove(part.table, gone);
        if (fresh.length > 0)
          await writePage(target, part, fresh, {
            mark: null,
            onRefused: (refusal, row) => void refusals.push({ refusal, row }),
          });
        rows += page.length - (refusals.length - before);
        page = [];
      };
      for await (const difference of walkDifferences(part, source, own)) {
        if (!wanted.includes(difference.kind)) continue;
        page.push(difference);
        if (page.length >= part.table.pageRows) await flush();
      }
      await flush();
    });
    return refusals;
  };
  for (const part of parts.toReversed()) await take(part, ["surplus"]);
  for (const part of parts) {
    let refused = Number.POSITIVE_INFINITY;
    let isFreed = false;
    while (refused > 0) {
      const refusals = await take(part, ["changed", "missing"]);
      const [first] = refusals;
      // What is one of a kind may have passed from a row to one that comes before it: the next turn finds it free.
      if (first !== undefined && refusals.length >= refused) {
        // Or several have it from each other: they all let go of it, and the next turn brings what they have.
        const rows = isFreed ? [] : refusals.flatMap(({ row }) => letGo(part, row));
        if (rows.length === 0) throw first.refusal;
        await (targets[part.to] as End).write(part.table, rows, null);
        isFreed = true;
        refused = Number.POSITIVE_INFINITY;
        continue;
      }
      refused = refusals.length;
    }
  }
  return rows;
}

interface Refused {
  refusal: GatewayError;
  row: Row;
}

/** The row with its id in place of what nobody else may have and people give each other; none where there is no such thing. */
function letGo({ table }: Part, row: Row): Row[] {
  const at = table.columns.findIndex(({ name }) => name === PASSED_ON[table.name]);
  return at === -1 ? [] : [row.with(at, readId(table, row))];
}

const PASSED_ON: Readonly<Record<string, string>> = { budgets: "name", users: "email" };
