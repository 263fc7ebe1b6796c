// What the ledger says that windows have come to, by chain: each gateway's own part. Read once for all users, keys and patterns of models and all budgets
// that count the same rows, kept, and brought forward by what came since, so that each row is read once. Judged by the scope as calls are. Knows no SQL.

import type { Place } from "./account.ts";
import { reachesRemoved } from "./uncounted.ts";
import type { BudgetScope } from "./model.ts";
import { compileScope } from "./scope.ts";
import type { BudgetStore, ChainSum, Positions, ReadSum, SumGroup, SumQuery } from "./store.ts";

export interface BudgetSums {
  /** What is on the books once `begin` is done, which is just before they are read. */
  read(place: Place, begin?: () => Promise<void>): Promise<ReadSum[]>;
  /** What most of a first reading is, ahead of it; at once where something was read already. */
  prepare(place: Place): Promise<void>;
  /** Forgets what nobody asked for since the last time, but for what is needed of these places. */
  tidy(needed?: Iterable<Place>): void;
}

export function createBudgetSums(store: Pick<BudgetStore, "readSums">): BudgetSums {
  const books = new Map<string, Book>();
  const find = (place: Place): Book => {
    const name = nameBook(place);
    const known = books.get(name);
    if (known !== undefined) return known;
    const book = createBook(toQuery(place));
    books.set(name, book);
    return book;
  };
  const read = (place: Place, begin: () => Promise<void>): Promise<ReadSum[]> => {
    const book = find(place);
    const { promise, resolve, reject } = Promise.withResolvers<ReadSum[]>();
    book.isAsked = true;
    book.waiting.push({ place, begin, resolve, reject });
    if (!book.isRunning) void serve(store, book);
    return promise;
  };
  return {
    read: (place, begin = () => Promise.resolve()) => read(place, begin),
    async prepare(place) {
      if (find(place).positions === null) await read(place, () => Promise.resolve());
    },
    tidy(needed = []) {
      for (const place of needed) {
        const book = books.get(nameBook(place));
        if (book !== undefined) book.isAsked = true;
      }
      for (const [name, book] of books) {
        if (!book.isAsked && !book.isRunning) books.delete(name);
        book.isAsked = false;
      }
    },
  };
}

interface Waiting {
  place: Place;
  begin: () => Promise<void>;
  resolve: (sums: ReadSum[]) => void;
  reject: (error: unknown) => void;
}

/** What was read so far. */
interface Book {
  query: SumQuery;
  positions: Positions | null;
  /** By owner; then by chain and, where they are told apart, model. */
  sums: Map<string, Map<string, SumGroup>>;
  rest: string | null;
  /** By account. */
  remains: Map<string, ChainSum[]>;
  waiting: Waiting[];
  isRunning: boolean;
  isAsked: boolean;
}

function createBook(query: SumQuery): Book {
  const nothing = { positions: null, sums: new Map(), rest: null, remains: new Map() };
  return { query, ...nothing, waiting: [], isRunning: false, isAsked: true };
}

/** Whoever comes while it is read has it read once more, all of them together. */
async function serve(store: Pick<BudgetStore, "readSums">, book: Book): Promise<void> {
  book.isRunning = true;
  while (book.waiting.length > 0) {
    const turn = book.waiting.splice(0);
    try {
      await Promise.all(turn.map(({ begin }) => begin()));
      await advance(store, book);
      for (const { place, resolve } of turn) resolve(sumUp(book, place));
    } catch (error) {
      for (const { reject } of turn) reject(error);
    }
  }
  book.isRunning = false;
}

async function advance(store: Pick<BudgetStore, "readSums">, book: Book): Promise<void> {
  const { groups, positions, isWhole, rest, remains } = await store.readSums(book.query, book.positions);
  // Rows that are removed later were read as rows.
  if (isWhole)
    Object.assign(book, { sums: new Map(), rest, remains: Map.groupBy(remains, ({ accountId }) => accountId) });
  book.positions = positions;
  const matches = compileScope({ ...EVERY_CALL, ...book.query.scope });
  for (const group of groups) {
    const { chain, costNanos, tokens, unpriced, facts } = group;
    // Names of calls that were refused come from outside, and are not kept.
    if (!matches(facts) || (costNanos === 0 && tokens === 0 && unpriced === 0)) continue;
    const owner = nameOwner(facts.userId, facts.apiKeyId);
    let own = book.sums.get(owner);
    if (own === undefined) book.sums.set(owner, (own = new Map()));
    const name = [chain, facts.modelAsked, facts.modelSent].join("\u0000");
    const sum = own.get(name);
    if (sum === undefined) own.set(name, { ...group });
    else {
      sum.costNanos += costNanos;
      sum.tokens += tokens;
      sum.unpriced += unpriced;
    }
  }
}

const EVERY_CALL: BudgetScope = { userId: null, apiKeyId: null, provider: null, model: null, tag: null };

function sumUp({ sums, rest, remains, positions }: Book, place: Place): ReadSum[] {
  const { user, key } = findOwner(place);
  const { unit, model } = place.budget;
  const matches = compileScope({ ...EVERY_CALL, model });
  const found = new Map<string, ReadSum>();
  const add = (chain: string, spent: number, unpriced: number): void => {
    const sum = found.get(chain) ?? { chain, spent: 0, unpriced: 0, seq: positions?.get(chain)?.seq ?? 0 };
    sum.spent += spent;
    sum.unpriced += unpriced;
    found.set(chain, sum);
  };
  const own = sums.get(nameOwner(user ?? "", key ?? "")) ?? new Map<string, SumGroup>();
  for (const { chain, costNanos, tokens, unpriced, facts } of own.values()) {
    if (!matches(facts)) continue;
    if (unit === "usd") add(chain, costNanos, unpriced);
    else add(chain, tokens, 0);
  }
  for (const { chain, spent, unpriced } of remains.get(place.id) ?? []) {
    add(chain, spent, unpriced);
    if (rest !== null) add(rest, -spent, -unpriced);
  }
  return [...found.values()];
}

function toQuery(place: Place): SumQuery {
  const { model, provider, tag } = place.budget;
  const { user, key } = findOwner(place);
  const { startMs, endMs } = place.window;
  return {
    window: { startMs, endMs },
    scope: { provider, tag },
    models: model !== null,
    owners: { user: user !== null, key: key !== null },
    isRestApart: model === null && reachesRemoved(place),
  };
}

/** Alike for those that ask for the same, and that were made when the same rows were gone: what was read of rows before they went is not for later ones. */
function nameBook(place: Place): string {
  const { window, scope, models, owners } = toQuery(place);
  const gone = reachesRemoved(place) ? place.budget.removedBefore?.getTime() : undefined;
  return [window.startMs, window.endMs, scope.provider, scope.tag, models, owners.user, owners.key, gone].join(
    "\u0000",
  );
}

/** Whose rows count, where not all do. */
function findOwner({ budget, subject }: Pick<Place, "budget" | "subject">): {
  user: string | null;
  key: string | null;
} {
  return {
    user: budget.each === "user" ? subject : budget.userId,
    key: budget.each === "key" ? subject : budget.apiKeyId,
  };
}

function nameOwner(user: string, key: string): string {
  return `${user}\u0000${key}`;
}
