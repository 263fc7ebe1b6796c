// Whether those whom a limit or a budget is for are still there. Knows no limit, no budget and no SQL.

/** Whom something is for: a user by id or e-mail, a key by id; null where it is for whoever comes. */
export interface Named {
  user: string | null;
  key: string | null;
}

export interface NamedLists {
  users: readonly string[];
  keys: readonly string[];
}

/** Of those that were asked for. */
export interface Gone {
  users: ReadonlySet<string>;
  keys: ReadonlySet<string>;
}

/** Answers why one of them concerns nobody any more; null where it does. */
export async function judgeNamed(
  all: readonly Named[],
  listGone: (named: NamedLists) => Promise<Gone>,
): Promise<(named: Named) => string | null> {
  const pick = (which: keyof Named): string[] => [...new Set(all.flatMap((named) => named[which] ?? []))];
  const lists = { users: pick("user"), keys: pick("key") };
  if (lists.users.length + lists.keys.length === 0) return () => null;
  const gone = await listGone(lists);
  return ({ user, key }) => {
    if (user !== null && gone.users.has(user)) return "the user whom it is for is not there: deleted, or not made yet";
    if (key !== null && gone.keys.has(key))
      return "the API key that it is for opens nothing any more: it was revoked, or deleted with or without its user";
    return null;
  };
}
