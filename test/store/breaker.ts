// A disk and a database each of whose calls is a step of its process, and breaks where it is told to. Knows no book.

import type { Database, Statement } from "bun:sqlite";
import { type Disk, realDisk } from "../../src/store/journal/disk.ts";

/** What goes wrong at the n-th step from now on. */
export interface Fault {
  at: number;
  how: "crash after" | "crash before" | "crash half-way" | "fail after" | "fail before" | "fail half-way";
}

/** Counts the steps of one process, each statement and system call one, and breaks at those that are named. */
export function makeBreaker(faults: readonly Fault[]) {
  let step = 0;
  const state = { isDead: false, isArmed: false, isFull: false };
  const die = (): never => {
    state.isDead = true;
    throw new Error("the process is gone");
  };
  /** `half`: what of it may be done where it is not done wholly. */
  const take = <T>(text: string, work: () => T, half: () => unknown = () => undefined): T => {
    if (!state.isArmed) return work();
    if (state.isDead) throw new Error("the process is gone");
    if (state.isFull && text.startsWith("insert")) throw Object.assign(new Error("full"), { code: "SQLITE_FULL" });
    if (state.isFull && text === "write") {
      half();
      throw Object.assign(new Error("full"), { code: "ENOSPC" });
    }
    const how = faults.find(({ at }) => at === step)?.how;
    step++;
    const broken = (): never => {
      throw Object.assign(new Error("disk I/O error"), { code: text.includes(" ") ? "SQLITE_IOERR_WRITE" : "EIO" });
    };
    if (how === "fail half-way" || how === "crash half-way") half();
    if (how?.startsWith("fail") === true && how !== "fail after") broken();
    if (how?.startsWith("crash") === true && how !== "crash after") die();
    const result = work();
    if (how === "fail after") broken();
    if (how === "crash after") die();
    return result;
  };
  return { state, take };
}

export type Breaker = ReturnType<typeof makeBreaker>;

/** A connection each of whose writing statements is a step. */
export function breakable(db: Database, { take }: Breaker): Database {
  const wrap = (statement: Statement, text: string): Statement =>
    new Proxy(statement, {
      get(target, name) {
        const member: unknown = Reflect.get(target, name, target);
        if (typeof member !== "function") return member;
        const call = (...values: unknown[]): unknown => Reflect.apply(member, target, values);
        if (!["run", "values", "all", "get"].includes(String(name)) || /^\s*(select|pragma)/iu.test(text)) return call;
        return (...values: unknown[]) => take(text, () => call(...values));
      },
    });
  return new Proxy(db, {
    get(target, name) {
      if (name === "prepare") return (text: string) => wrap(target.prepare(text), text);
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? member.bind(target) : member;
    },
  });
}

/** A disk each of whose calls is a step. */
export function breakableDisk({ state, take }: Breaker, open: Set<number>): Disk {
  return {
    create(path) {
      return take("create", () => {
        const file = realDisk.create(path);
        open.add(file);
        return file;
      });
    },
    write: (file, bytes, from, at) =>
      take(
        "write",
        () => realDisk.write(file, bytes, from, at),
        () => realDisk.write(file, bytes.subarray(0, from + Math.ceil((bytes.length - from) / 2)), from, at),
      ),
    map(file, from, to) {
      try {
        return take("map", () => realDisk.map(file, from, to));
      } catch (error) {
        // It fails by giving none.
        if (state.isDead) throw error;
        return null;
      }
    },
    store: (memory, at, text) =>
      take(
        "store",
        () => realDisk.store(memory, at, text),
        () => storePart(memory, at, text),
      ),
    erase: (memory, from, to) => take("erase", () => realDisk.erase(memory, from, to)),
    truncate: (file, length) => take("truncate", () => realDisk.truncate(file, length)),
    sync: (file) => take("sync", () => realDisk.sync(file)),
    syncFolder: (path) => take("syncFolder", () => realDisk.syncFolder(path)),
    close(file) {
      take("close", () => {
        open.delete(file);
        realDisk.close(file);
      });
    },
    remove: (path) => take("remove", () => realDisk.remove(path)),
    // It stands still: what is done from time to time would be a step now here, now there.
    nowMs: () => 0,
  };
}

/** As a process leaves it that ends in the middle: some of the text, all of it, or all and the half of the head that is stored first. */
function storePart(memory: Buffer, at: number, text: string): void {
  const head = 16;
  const whole = Buffer.alloc(head + 3 * text.length);
  const length = realDisk.store(whole, 0, text);
  const from = text.length % 3 === 2 ? head / 2 : head;
  const to = text.length % 3 === 0 ? head + (length - head) / 2 : length;
  whole.copy(memory, at + from, from, to);
}
