// What waits to be counted, within bounds of rows and bytes. Knows no thread.

import type { RecountOffer } from "../../ledger/index.ts";
import type { Task } from "./message.ts";

/** An offer whose format is known. */
export interface Waiting extends RecountOffer, Pick<Task, "asked"> {
  format: string;
  bytes: number;
}

export interface Queue {
  /** False where it is full. */
  push(item: Waiting): boolean;
  /** Before all others. */
  unshift(items: readonly Waiting[]): void;
  shift(): Waiting | undefined;
  /** Takes out all. */
  clear(): Waiting[];
  rows(): number;
  bytes(): number;
}

/** Bytes are the length of strings: engines keep most text in one byte a character. */
export function createQueue(limits: { rows: number; bytes: number }): Queue {
  let items: Waiting[] = [];
  let first = 0;
  let bytes = 0;
  const rows = (): number => items.length - first;
  return {
    push(item) {
      if (rows() >= limits.rows || bytes + item.bytes > limits.bytes) return false;
      items.push(item);
      bytes += item.bytes;
      return true;
    },
    unshift(given) {
      items = [...given, ...items.slice(first)];
      first = 0;
      for (const item of given) bytes += item.bytes;
    },
    shift() {
      const item = items[first];
      if (item === undefined) return undefined;
      first++;
      bytes -= item.bytes;
      // The texts behind us must not be kept alive.
      if (first > 256 || first === items.length) {
        items = items.slice(first);
        first = 0;
      } else items[first - 1] = EMPTY;
      return item;
    },
    clear() {
      const all = items.slice(first);
      [items, first, bytes] = [[], 0, 0];
      return all;
    },
    rows,
    bytes: () => bytes,
  };
}

const EMPTY = Object.freeze({}) as unknown as Waiting;

export function measure({ request, answer }: Pick<RecountOffer, "answer" | "request">): number {
  if (answer === null) return request.length;
  if (typeof answer === "string") return request.length + answer.length;
  let length = request.length;
  for (const { name, texts } of answer) {
    length += name.length;
    for (const text of texts) length += text.length;
  }
  return length;
}
