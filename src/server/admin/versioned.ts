// Routes of what is kept in versions: declared, changed, deleted and had again, with the whole history. Of two who change one at once, one has to look
// again. Knows no kind of thing.

import { z } from "zod";
import type { Caller } from "../../identity/index.ts";
import type { JsonObject } from "../../ir/index.ts";
import type { Origin } from "../../lib/change.ts";
import type { About } from "../about.ts";
import { answerGone } from "../gone.ts";
import { answerPage } from "../page.ts";
import { readExpected, readJson } from "../request.ts";
import type { GuardedRoute, RouteContext } from "../route.ts";

interface Version {
  id: string;
  name: string;
  version: number;
}

export interface VersionChange {
  name: string;
  author: { author: string; authorId: string | null };
  by: Origin | undefined;
  comment: string | null | undefined;
  /** The version that is to be changed, 0 for none; undefined: whichever there is. */
  expected: number | undefined;
}

/** What a body says beside its name and its comment. */
type Said = Readonly<Record<string, unknown>>;

interface Versioned<Of extends Version> {
  path: string;
  read: GuardedRoute["authority"];
  write: GuardedRoute["authority"];
  about: Readonly<Record<"create" | "delete" | "history" | "rollback" | "set", About>>;
  /** Largest body in bytes. */
  limit: () => number;
  book: {
    delete(change: VersionChange): Promise<Of>;
    history(name: string): Promise<Of[]>;
    rollback(change: VersionChange, version: number): Promise<Of>;
  };
  set(change: VersionChange, said: Said): Promise<Of>;
  /** Throws invalid_request with all that is wrong with the words. */
  check?(change: Pick<VersionChange, "comment" | "name">, said: Said): void;
  /** Whether one of this name is declared now, at whichever gateway. */
  isThere(name: string): Promise<boolean>;
  print(version: Of): JsonObject;
  /** The answer to a change that was made, here in force. */
  show(version: Of): Promise<JsonObject>;
  /** The answer to a removal. */
  showGone(version: Of): Promise<JsonObject>;
}

export const CHANGE = z.looseObject({ comment: z.string().nullable().optional() });
const NEW = CHANGE.extend({ name: z.string() });
const ROLLBACK = z.strictObject({ version: z.int().min(1), comment: z.string().nullable().optional() });

export function makeVersionedRoutes<Of extends Version>(parts: Versioned<Of>): GuardedRoute[] {
  return [makeHistory(parts), ...makeSetting(parts), ...makeGoingBack(parts)];
}

/** Of a request for one thing: who asks, for which, and for which version of it. */
export function readVersionChange(
  { request, params, caller }: Pick<RouteContext, "params" | "request"> & { caller: Caller },
  comment: string | null | undefined,
  isThere = true,
): VersionChange {
  return { ...by(caller), name: params["id"] ?? "", comment, expected: readExpected(request, isThere) };
}

/** With its state, and where it is found. */
export function answerVersion(
  { version, name }: Version,
  shown: JsonObject,
  { path, status }: { path: string; status: number },
): Response {
  const headers = { etag: `"${version}"`, ...(status === 201 ? { location: `${path}/${name}` } : {}) };
  return Response.json(shown, { status, headers });
}

function by({ email, userId, from }: Caller): Pick<VersionChange, "author" | "by"> {
  return { author: { author: email, authorId: userId }, by: from };
}

function makeHistory<Of extends Version>({ path, read, about, book, print }: Versioned<Of>): GuardedRoute {
  return {
    method: "GET",
    path: `${path}/:id/history`,
    authority: read,
    about: about.history,
    async handle({ params, query }) {
      const history = await book.history(params["id"] ?? "");
      return Response.json(await answerPage(query, history, { name: "history", idOf: ({ id }) => id, print }));
    },
  };
}

function makeSetting<Of extends Version>(parts: Versioned<Of>): GuardedRoute[] {
  const { path, write, about, limit } = parts;
  const answer = async (version: Of, status: number): Promise<Response> =>
    answerVersion(version, await parts.show(version), { path, status });
  return [
    {
      method: "POST",
      path,
      authority: write,
      about: about.create,
      async handle({ request, caller }) {
        const { name, comment, ...said } = await readJson(request, limit(), NEW, (body) => {
          const { name: word = "", comment: why, ...rest } = body;
          parts.check?.({ name: word, comment: why }, rest);
        });
        return answer(await parts.set({ ...by(caller), name, comment, expected: 0 }, said), 201);
      },
    },
    {
      method: "PUT",
      path: `${path}/:id`,
      authority: write,
      about: about.set,
      async handle(context) {
        const name = context.params["id"] ?? "";
        const { comment, ...said } = await readJson(context.request, limit(), CHANGE, ({ comment: why, ...rest }) =>
          parts.check?.({ name, comment: why }, rest),
        );
        const isThere = await parts.isThere(name);
        const change = readVersionChange(context, comment, isThere);
        return answer(await parts.set(change, said), isThere ? 200 : 201);
      },
    },
  ];
}

function makeGoingBack<Of extends Version>(parts: Versioned<Of>): GuardedRoute[] {
  const { path, write, about, limit, book } = parts;
  return [
    {
      method: "DELETE",
      path: `${path}/:id`,
      authority: write,
      about: about.delete,
      async handle(context) {
        const version = await book.delete(readVersionChange(context, context.query.get("comment")));
        return answerGone(context.request, await parts.showGone(version));
      },
    },
    {
      method: "POST",
      path: `${path}/:id/rollback`,
      authority: write,
      about: about.rollback,
      async handle(context) {
        const { version: wanted, comment } = await readJson(context.request, limit(), ROLLBACK);
        const version = await book.rollback(readVersionChange(context, comment), wanted);
        return answerVersion(version, await parts.show(version), { path, status: 200 });
      },
    },
  ];
}
