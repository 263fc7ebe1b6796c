// Things that are kept in versions at a gateway elsewhere, by its API. Knows no kind of thing.

import type { JsonObject } from "../../ir/index.ts";
import { type Question, type Remote, askAll, segment } from "./client.ts";
import { SHOWING } from "./directory.ts";
import { matchVersion } from "./match.ts";

interface Change {
  name: string;
  comment?: string | null | undefined;
  expected?: number | undefined;
}

interface VersionedThere {
  /** The address of one; `more` is of a part of it. */
  at(name: string, more?: string): string;
  history(name: string): Promise<JsonObject[]>;
  /** What the newest version says; empty where it is gone. */
  fields(name: string): Promise<Readonly<Record<string, string>>>;
  /** Questions, for whoever knows the answer's shape. */
  set(change: Change, said: object): Question;
  remove(change: Change): Question;
  rollback(change: Change, to: number): Question;
}

export function askVersioned(remote: Remote, { path, what }: { path: string; what: string }): VersionedThere {
  const at = (name: string, more = ""): string => `${path}/${segment(name, what)}${more}`;
  const history = (name: string): Promise<JsonObject[]> =>
    askAll(remote, { method: "GET", path: at(name, "/history") }, "history");
  return {
    at,
    history,
    async fields(name) {
      const [newest] = await history(name);
      return (newest?.["fields"] ?? {}) as Readonly<Record<string, string>>;
    },
    set: ({ name, comment, expected }, said) => ({
      method: "PUT",
      path: at(name),
      body: { ...said, comment },
      headers: matchVersion(expected),
    }),
    remove: ({ name, comment, expected }) => ({
      method: "DELETE",
      path: at(name),
      query: { comment },
      headers: { ...SHOWING, ...matchVersion(expected) },
    }),
    rollback: ({ name, comment, expected }, version) => ({
      method: "POST",
      path: at(name, "/rollback"),
      body: { version, comment },
      headers: matchVersion(expected),
    }),
  };
}
