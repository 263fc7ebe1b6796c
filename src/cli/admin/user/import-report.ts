// What an import prints: a line for each row, or one JSON, written as it comes and never held. Knows no file and no database.

import { type RowOutcome, printUser } from "../../../identity/index.ts";
import { type PrintSteadily, makePlain } from "../../output.ts";

/** Of rows that were not taken, JSON and complaints name so many; an error file names all. */
const MOST_NAMED = 10_000;
const MOST_REASONS = 20;

interface Counts {
  created: number;
  skipped: number;
  refused: number;
}

export interface Report {
  /** `isCheck`: nothing is written yet, and nothing printed. */
  add(outcomes: readonly RowOutcome[], isCheck: boolean): Promise<void>;
  end(counts: Counts): Promise<void>;
  /** What is wrong with the first rows that cannot be taken, a line each. */
  reasons(): string[];
  /** Whether the first of them is there already; false where there is none. */
  isConflict(): boolean;
}

export function makeReport({
  isJson,
  dryRun,
  print,
}: {
  isJson: boolean;
  dryRun: boolean;
  print: PrintSteadily;
}): Report {
  const refused: { row: number; email: string; reason: string }[] = [];
  let isConflict: boolean | null = null;
  const body = isJson ? makeJson({ dryRun, print }, refused) : makeLines({ dryRun, print });
  return {
    async add(outcomes, isCheck) {
      for (const outcome of outcomes) {
        if (outcome.kind !== "refused") continue;
        isConflict ??= outcome.error.kind === "conflict";
        const { row, wanted, error } = outcome;
        if (refused.length < MOST_NAMED) refused.push({ row, email: wanted.email, reason: error.message });
      }
      if (!isCheck) await body.add(outcomes);
    },
    end: (counts) => body.end(counts),
    reasons: () => refused.slice(0, MOST_REASONS).map(({ row, reason }) => `Row ${row}: ${makePlain(reason)}`),
    isConflict: () => isConflict === true,
  };
}

interface Body {
  add(outcomes: readonly RowOutcome[]): Promise<void>;
  end(counts: Counts): Promise<void>;
}

interface Printing {
  dryRun: boolean;
  print: PrintSteadily;
}

function makeLines({ dryRun, print }: Printing): Body {
  return {
    async add(outcomes) {
      const lines = outcomes.map((outcome) => printRow(outcome, dryRun));
      await print(lines.map((line) => `${makePlain(line)}\n`).join(""));
    },
    async end({ created, skipped, refused }) {
      const counts = `created=${created} skipped=${skipped}${refused === 0 ? "" : ` refused=${refused}`}`;
      const words = dryRun ? "dry run complete, nothing written" : "import complete";
      await print(`${words}: ${counts}\n`);
    },
  };
}

function printRow(outcome: RowOutcome, dryRun: boolean): string {
  const { row } = outcome;
  switch (outcome.kind) {
    case "created": {
      const { id, email, role } = outcome.user;
      return dryRun
        ? `row ${row} would create email=${email} role=${role}`
        : `row ${row} created user id=${id} email=${email}`;
    }
    case "skipped":
      return `row ${row} skipped: ${outcome.email}: ${outcome.reason}`;
    case "refused":
      return `row ${row} refused: ${outcome.error.message}`;
    default:
      return outcome satisfies never;
  }
}

function makeJson({ dryRun, print }: Printing, refused: readonly object[]): Body {
  const skipped: object[] = [];
  let isBegun = false;
  const begin = (): string => {
    const head = isBegun ? "" : `{"dry_run":${dryRun},"created":[`;
    isBegun = true;
    return head;
  };
  return {
    async add(outcomes) {
      for (const outcome of outcomes) {
        const isNamed = outcome.kind === "skipped" && skipped.length < MOST_NAMED;
        if (isNamed) skipped.push({ row: outcome.row, email: outcome.email, reason: outcome.reason });
      }
      const created = outcomes.flatMap((outcome) =>
        outcome.kind === "created" ? [JSON.stringify(printUser(outcome.user))] : [],
      );
      if (created.length === 0) return;
      const comma = isBegun ? "," : "";
      await print(begin() + comma + created.join(","));
    },
    async end(counts) {
      const rest = JSON.stringify({ skipped, refused, counts }).slice(1);
      await print(`${begin()}],${rest}\n`);
    },
  };
}
