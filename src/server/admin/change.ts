// The record of changes by HTTP: who changed what, from where, page by page, or all of it as a file. Knows no SQL.

import {
  CHANGE_FORMATS,
  CHANGE_TYPES,
  type ChangeBook,
  type ChangeFilter,
  type ChangeFormat,
  checkAction,
  printChange,
  printChangeHead,
  printChanges,
} from "../../audit/index.ts";
import type { Rights } from "../../gateway/index.ts";
import type { Directory } from "../../identity/index.ts";
import { GatewayError, checkAll, invalidRequest } from "../../ir/index.ts";
import type { GuardedRoute } from "../route.ts";
import { readSpan, readText } from "../usage-query.ts";
import { readPageWish } from "./part.ts";
import { z } from "zod";
import { type About, NEXT_CURSOR, PAGE_QUERY } from "../about.ts";
import { whileAllowed } from "../while-allowed.ts";
import { CHANGE_ROW } from "../shape/usage.ts";

interface ChangeParts {
  changes: ChangeBook;
  directory: Pick<Directory, "getUser">;
  ring: Rights;
  /** Epoch milliseconds. */
  nowMs: () => number;
}

const tag = "Audit";
const FILTER_QUERY = {
  action: z.string().optional().describe("Such as user.create, or user for all of them"),
  actor: z.string().optional(),
  from: z.string().optional().describe("A moment, a day, or how long ago: 24h, 7d"),
  subject: z.string().optional(),
  to: z.string().optional(),
  tz: z.string().optional().describe("Of days, by its name in the IANA database"),
};
const ABOUT = {
  export: {
    tag,
    summary: "Export changes, oldest first",
    query: z.object({ ...FILTER_QUERY, format: z.enum(CHANGE_FORMATS).optional() }),
    answer: { media: Object.values(CHANGE_TYPES) },
  },
  list: {
    tag,
    summary: "List changes, newest first",
    query: z.object({ ...PAGE_QUERY, ...FILTER_QUERY }),
    answer: z.object({ changes: z.array(CHANGE_ROW), ...NEXT_CURSOR }),
  },
} as const satisfies Record<string, About>;

export function makeChangeRoutes({ changes, directory, ring, nowMs }: ChangeParts): GuardedRoute[] {
  const authority = { anyOf: ["audit:read"] } as const;
  return [
    {
      method: "GET",
      path: "/api/v1/admin/audit",
      authority,
      about: ABOUT.list,
      async handle({ query }) {
        const { said, wish } = checkAll({ said: () => readSaid(query, nowMs()), wish: () => readPageWish(query) });
        const page = await changes.page(await nameSubject(said, directory), wish.limit, wish.cursor);
        return Response.json({ changes: page.changes.map(printChange), next_cursor: page.nextCursor });
      },
    },
    {
      method: "GET",
      path: "/api/v1/admin/audit/export",
      authority,
      about: ABOUT.export,
      async handle({ query, keepOpen, ...asked }) {
        const { said, format } = checkAll({
          said: () => readSaid(query, nowMs()),
          format: () => readChangeFormat(query.get("format") ?? "jsonl"),
        });
        const filter = await nameSubject(said, directory);
        const pieces = whileAllowed(exportChanges(changes, filter, format), asked, ring);
        keepOpen();
        return new Response(toStream(pieces), {
          headers: {
            "content-type": CHANGE_TYPES[format],
            "content-disposition": `attachment; filename="audit.${format}"`,
            "cache-control": "no-store",
          },
        });
      },
    },
  ];
}

function readChangeFormat(text: string): ChangeFormat {
  const format = CHANGE_FORMATS.find((name) => name === text);
  if (format !== undefined) return format;
  throw invalidRequest(`format must be ${CHANGE_FORMATS.join(" or ")}.`, "format");
}

function readSaid(query: URLSearchParams, nowMs: number): ChangeFilter {
  const { span, ...words } = checkAll({
    span: () => readSpan(query, nowMs),
    action: () => readAction(query),
    actor: () => readText(query, "actor"),
    subject: () => readText(query, "subject"),
  });
  const said = Object.entries(words).filter(([, word]) => word !== null);
  return { ...Object.fromEntries(said), ...span };
}

function readAction(query: URLSearchParams): string | null {
  const text = readText(query, "action");
  return text === null ? null : checkAction(text);
}

async function nameSubject(filter: ChangeFilter, directory: Pick<Directory, "getUser">): Promise<ChangeFilter> {
  const { subject } = filter;
  return subject === undefined ? filter : { ...filter, subject: await findSubject(subject, directory) };
}

/** Rows name users by their ids, as an e-mail may change hands. One that nobody has stands for itself. */
export async function findSubject(text: string, directory: Pick<Directory, "getUser">): Promise<string> {
  if (!text.includes("@")) return text;
  try {
    return (await directory.getUser(text)).id;
  } catch (error) {
    if (error instanceof GatewayError && error.kind === "not_found") return text;
    throw error;
  }
}

const EXPORT_ROWS = 250;

/** All pieces, oldest first, each made when it is asked for. */
export async function* exportChanges(
  changes: Pick<ChangeBook, "readOldest">,
  filter: ChangeFilter,
  format: ChangeFormat,
): AsyncGenerator<{ text: string; rows: number }, void> {
  let cursor: string | null = null;
  yield { text: printChangeHead(format), rows: 0 };
  do {
    const page = await changes.readOldest(filter, EXPORT_ROWS, cursor);
    yield { text: printChanges(format, page.changes), rows: page.changes.length };
    cursor = page.nextCursor;
  } while (cursor !== null);
}

/** Each piece is made when the client has taken the one before; a client that leaves ends it. */
function toStream(pieces: AsyncGenerator<{ text: string }, void>): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream(
    {
      async pull(controller) {
        for (;;) {
          const { done, value } = await pieces.next();
          if (done === true) return controller.close();
          if (value.text !== "") return controller.enqueue(encoder.encode(value.text));
        }
      },
      async cancel() {
        await pieces.return();
      },
    },
    { highWaterMark: 1 },
  );
}
