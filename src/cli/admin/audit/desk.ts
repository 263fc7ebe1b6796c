// The record of changes as commands read it: in the database here, or at a gateway elsewhere. Prints nothing.

import { type ChangeFilter, type ChangeFormat, printChange } from "../../../audit/index.ts";
import type { ChangeRow } from "../../../lib/change.ts";
import { exportChanges } from "../../../server/index.ts";
import type { Place } from "../../place.ts";
import type { Remote } from "../../remote/client.ts";
import { countRows } from "../../remote/count-rows.ts";
import { printWord } from "../../output.ts";

interface ChangePage {
  changes: ChangeRow[];
  nextCursor: string | null;
}

export interface ChangeDesk {
  page(filter: ChangeFilter, limit: number, cursor: string | null): Promise<ChangePage>;
  /** `total`: as many at most, where that is known. */
  export(
    filter: ChangeFilter,
    format: ChangeFormat,
  ): Promise<{ total: number; pieces: AsyncIterable<{ text: string; rows: number }> }>;
}

export function openChanges(place: Place): ChangeDesk {
  if (place.remote !== null) return makeRemoteDesk(place.remote);
  const { changes } = place.store;
  return {
    page: (filter, limit, cursor) => changes.page(filter, limit, cursor),
    async export(filter, format) {
      const ends = await Promise.all(changes.chains.map(async (chain) => (await chain.state())?.seq ?? 0));
      const total = ends.reduce((sum, seq) => sum + seq, 0);
      return { total, pieces: exportChanges(changes, filter, format) };
    },
  };
}

const PATH = "/api/v1/admin/audit";

function makeRemoteDesk(remote: Remote): ChangeDesk {
  return {
    async page(filter, limit, cursor) {
      const page = await remote.ask<{ changes: PrintedChange[]; next_cursor: string | null }>(
        {
          method: "GET",
          path: PATH,
          query: { ...printFilter(filter), limit, cursor },
        },
        "changes",
      );
      return { changes: page.changes.map(readChange), nextCursor: page.next_cursor };
    },
    async export(filter, format) {
      const query = { ...printFilter(filter), format };
      const { body } = await remote.open({ method: "GET", path: `${PATH}/export`, query }, format);
      return { total: 0, pieces: decode(countRows(body, format)) };
    },
  };
}

async function* decode(pieces: AsyncIterable<{ bytes: Uint8Array; rows: number }>) {
  const decoder = new TextDecoder();
  for await (const { bytes, rows } of pieces) yield { text: decoder.decode(bytes, { stream: true }), rows };
}

function printFilter({ from, to, action, actor, subject }: ChangeFilter) {
  return { from: from?.toISOString(), to: to?.toISOString(), action, actor, subject };
}

type PrintedChange = ReturnType<typeof printChange> & Record<"chain" | "hash" | "id" | "previous", string>;

/** As it was printed from. */
function readChange(printed: PrintedChange): ChangeRow {
  const text = (name: string): string | null => {
    const value = printed[name];
    return typeof value === "string" ? value : null;
  };
  return {
    id: printed.id,
    chain: printed.chain,
    seq: Number(printed["seq"]),
    at: new Date(printWord(printed["at"])),
    actor: printed["actor"] as ChangeRow["actor"],
    actorId: text("actor_id"),
    actorName: text("actor_name"),
    keyId: text("api_key_id"),
    address: text("address"),
    requestId: text("request_id"),
    action: printWord(printed["action"]),
    subjectKind: printWord(printed["subject_kind"]),
    subjectId: text("subject_id"),
    before: printed["before"] as ChangeRow["before"],
    after: printed["after"] as ChangeRow["after"],
    previous: printed.previous,
    hash: printed.hash,
  };
}
