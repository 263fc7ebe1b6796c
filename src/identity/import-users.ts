// Many users at once: all rows are checked before any is written, and then all are written or none. Knows no CSV.

import { checkAll, toGatewayError } from "../ir/index.ts";
import type { Origin } from "../lib/change.ts";
import type { Actor, ImportOptions, ImportResult, ImportRow, NewUser, RowOutcome, StreamOptions } from "./directory.ts";
import { createRowCheck, type ImportContext, nameRow } from "./import-row.ts";
import type { User } from "./model.ts";
import { originOf } from "./origin.ts";

/** How often to look again where another process keeps adding the same addresses. */
const TRIES = 3;

export async function importUsers(
  context: ImportContext,
  actor: Actor,
  wanted: readonly NewUser[],
  options: ImportOptions,
): Promise<ImportResult> {
  const rows = wanted.map((one, index): ImportRow => ({ row: index + 1, wanted: one }));
  for (let attempt = 1; ; attempt++) {
    const outcomes = await createRowCheck(context, actor, options).check(rows);
    const result = sortOut(outcomes);
    if (options.skipInvalid !== true) refuseRows(outcomes);
    if (options.dryRun) return result;
    try {
      await context.store.createUsers(result.created, originOf(actor, context.now()));
      return result;
    } catch (error) {
      // Somebody was faster with one of the addresses: the next look sees it.
      if (toGatewayError(error).kind !== "conflict" || attempt === TRIES) throw error;
    }
  }
}

/** With all rows that say what cannot be; where there are none, the first that is refused for another reason. */
function refuseRows(outcomes: readonly RowOutcome[]): void {
  const errors = outcomes.flatMap((each) => (each.kind === "refused" ? [nameRow(each.error, each.row)] : []));
  const invalid = errors.filter(({ kind }) => kind === "invalid_request");
  const throwing = (invalid.length > 0 ? invalid : errors).map((error) => (): never => {
    throw error;
  });
  checkAll(Object.fromEntries(throwing.entries()));
}

function sortOut(outcomes: readonly RowOutcome[]): ImportResult {
  const result: ImportResult = { created: [], skipped: [], refused: [] };
  for (const outcome of outcomes) {
    const { row } = outcome;
    switch (outcome.kind) {
      case "created":
        result.created.push(outcome.user);
        break;
      case "skipped":
        result.skipped.push({ row, email: outcome.email, reason: outcome.reason });
        break;
      case "refused":
        result.refused.push({ row, email: outcome.wanted.email, reason: outcome.error.message });
        break;
      default:
        outcome satisfies never;
    }
  }
  return result;
}

/** Rows that are checked, and written, in one go: short enough that nobody else who writes has to wait. */
const ROWS_A_PART = 5_000;

export async function importStream(
  context: ImportContext,
  actor: Actor,
  source: () => AsyncIterable<ImportRow>,
  options: StreamOptions,
): Promise<{ created: number; skipped: number; refused: number }> {
  const counts = { created: 0, skipped: 0, refused: 0 };
  const tell = async (outcomes: readonly RowOutcome[], isCheck: boolean): Promise<void> => {
    for (const { kind } of outcomes) counts[kind]++;
    if (outcomes.length > 0) await options.tell(outcomes, isCheck);
  };
  const isFirm = options.skipInvalid !== true && !options.dryRun;
  if (isFirm) {
    const checking = createRowCheck(context, actor, options);
    for await (const part of inParts(source())) {
      await tell(
        (await checking.check(part)).filter(({ kind }) => kind === "refused"),
        true,
      );
    }
    if (counts.refused > 0) return counts;
  }
  const rowCheck = createRowCheck(context, actor, options);
  for await (const part of inParts(source())) {
    const outcomes = await rowCheck.check(part);
    await tell(
      options.dryRun ? outcomes : await write(context, outcomes, { ...options, by: originOf(actor, context.now()) }),
      false,
    );
  }
  return counts;
}

/** What was written, and what was not because somebody else was faster. */
async function write(
  { store }: ImportContext,
  outcomes: readonly RowOutcome[],
  { skipExisting, by }: StreamOptions & { by: Origin },
): Promise<RowOutcome[]> {
  let left = [...outcomes];
  for (let attempt = 1; ; attempt++) {
    const users = left.flatMap((outcome): User[] => (outcome.kind === "created" ? [outcome.user] : []));
    try {
      await store.createUsers(users, by);
      return left;
    } catch (error) {
      const fault = toGatewayError(error);
      if (fault.kind !== "conflict" || attempt === TRIES) throw error;
      const taken = await store.findTaken(users.map(({ email }) => email));
      left = left.map((outcome): RowOutcome => {
        if (outcome.kind !== "created" || !taken.has(outcome.user.email)) return outcome;
        const { row, line, wanted, user } = outcome;
        const at = { row, wanted, ...(line === undefined ? {} : { line }) };
        return skipExisting
          ? { ...at, kind: "skipped", email: user.email, reason: "a user with this e-mail already exists" }
          : { ...at, kind: "refused", error: fault };
      });
    }
  }
}

async function* inParts(rows: AsyncIterable<ImportRow>): AsyncGenerator<ImportRow[]> {
  let part: ImportRow[] = [];
  for await (const row of rows) {
    part.push(row);
    if (part.length < ROWS_A_PART) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}
