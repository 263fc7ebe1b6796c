// Texts by their ids, held for the while that one piece of work takes: what outgrows the memory lies in the system's folder for temporary files.
// Knows nothing of what they say.

import { Database } from "bun:sqlite";

export interface Scratch {
  get(id: string): string | undefined;
  /** Of texts under one id, the last is kept. */
  set(id: string, text: string): void;
  close(): void;
}

/** `explain` makes of what SQLite says the error to throw. */
export function openScratch(explain: (cause: unknown) => Error): Scratch {
  const db = new Database(":memory:");
  // A temporary table goes to a nameless file as soon as it outgrows its cache; nothing of it is ever taken back.
  db.run("pragma temp_store = file");
  db.run("pragma temp.journal_mode = off");
  db.run("pragma temp.cache_size = -16000");
  db.run("create temp table texts (id text primary key, text text not null)");
  db.run("begin");
  const put = db.query("insert or replace into texts (id, text) values (?, ?)");
  const find = db.query<{ text: string }, [string]>("select text from texts where id = ?");
  const run = <T>(work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw explain(cause);
    }
  };
  return {
    get: (id) => run(() => find.get(id)?.text),
    set: (id, text) => void run(() => put.run(id, text)),
    close: () => db.close(),
  };
}
