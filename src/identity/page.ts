// A list a page at a time: where one ends, a cursor says where the next begins. Knows no list.

import { type GatewayError, invalidRequest } from "../ir/index.ts";

export interface PageWish {
  /** Rows at most, from 1 on. */
  limit: number;
  /** The `nextCursor` of the page before; null for the first. */
  cursor: string | null;
}

export interface Page<Of> {
  items: Of[];
  /** Null at the end. */
  nextCursor: string | null;
}

/** Reads one row more than is wanted, to see whether there are more. `order`: of what the rows are sorted by; its cursor is no other list's. */
export async function readPage<Of>(
  { limit, cursor }: PageWish,
  list: {
    order: string;
    read: (page: { after: string | null; limit: number }) => Promise<Of[]>;
    placeOf: (row: Of) => string;
  },
): Promise<Page<Of>> {
  const after = cursor === null ? null : readCursor(cursor, list.order);
  const rows = await list.read({ after, limit: limit + 1 });
  const items = rows.slice(0, limit);
  const last = rows.length > limit ? items.at(-1) : undefined;
  return { items, nextCursor: last === undefined ? null : printCursor(list.order, list.placeOf(last)) };
}

const MAX_LENGTH = 600;

function printCursor(order: string, place: string): string {
  return Buffer.from(`${order}:${place}`).toString("base64url");
}

function readCursor(text: string, order: string): string {
  const said = text.length > MAX_LENGTH ? "" : Buffer.from(text, "base64url").toString();
  const place = said.startsWith(`${order}:`) ? said.slice(order.length + 1) : "";
  // Read leniently, but answered for: what does not come out as it went in was never ours.
  if (place === "" || printCursor(order, place) !== text) throw alien();
  return place;
}

function alien(): GatewayError {
  return invalidRequest(
    "The cursor is none of this list's; give back a page's next cursor as it came, with the same filters.",
    "cursor",
  );
}
