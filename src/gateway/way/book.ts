// Routes that are declared while the gateway runs: each change is a version of its own, none is ever lost, and of two changes at once one must look
// again. What a route may say is judged by whoever opens the book. Knows no SQL and no HTTP.

import { GatewayError, checkAll, invalidRequest, refuseFaults } from "../../ir/index.ts";
import type { Origin } from "../../lib/change.ts";
import { refuseUnseen } from "../line.ts";

/** By name, as they are written in a section of the configuration. */
export type RouteFields = Readonly<Record<string, string>>;

export interface RouteVersion {
  id: string;
  name: string;
  /** From 1, without gaps. */
  version: number;
  /** Null: from here on there is no such route. */
  fields: RouteFields | null;
  /** Why, in the words of whoever changed it. */
  comment: string | null;
  /** Who: an e-mail address, or `operator` for whoever holds the database. */
  author: string;
  authorId: string | null;
  createdAt: Date;
}

export interface RouteStore {
  /** False where there is one of that number already. */
  add(version: RouteVersion, by?: Origin): Promise<boolean>;
  /** The newest version of each route, deleted ones too, by name. */
  list(): Promise<RouteVersion[]>;
  /** Newest first. */
  history(name: string): Promise<RouteVersion[]>;
  /** Grows with each change; cheap enough to ask every second. */
  revision(): Promise<number>;
}

export interface RouteChange {
  name: string;
  author: Pick<RouteVersion, "author" | "authorId">;
  /** Likewise, for the record of changes. */
  by?: Origin | undefined;
  comment?: string | null | undefined;
  /** The version that is to be changed, 0 for none; undefined: whichever there is. */
  expected?: number | undefined;
}

/** Failures are GatewayErrors: `invalid_request` (with `param`), `not_found`, `conflict`. */
export interface RouteBook {
  /** Those that there are now. */
  list(): Promise<RouteVersion[]>;
  get(name: string): Promise<RouteVersion>;
  /** Throws `invalid_request` with all that is wrong with what is said. */
  check(change: Pick<RouteChange, "comment" | "name">, fields: RouteFields): void;
  set(change: RouteChange, fields: RouteFields): Promise<RouteVersion>;
  /** One that is deleted already stays as it is. */
  delete(change: RouteChange): Promise<RouteVersion>;
  history(name: string): Promise<RouteVersion[]>;
  /** Says again what a version said; that of a deleted route deletes. */
  rollback(change: RouteChange, version: number): Promise<RouteVersion>;
}

interface BookInit {
  store: RouteStore;
  /** What is wrong with a route, in sentences by field; nothing where it may be put in force. */
  judge(name: string, fields: RouteFields): readonly { field: string; message: string }[];
  /** Whether a text must not be kept where everybody who may read routes finds it for ever. */
  isSecret(text: string): boolean;
  now: () => number;
  newId: () => string;
}

const NAME = /^[a-z0-9][a-z0-9_-]{0,63}$/u;
const MAX_COMMENT = 500;
const MAX_FIELDS = 100;
const MAX_LENGTH = 8_192;
const MAX_ROUTES = 1_000;
/** As many may change one at the same instant. */
const TRIES = 20;

export function createRouteBook({ store, judge, isSecret, now, newId }: BookInit): RouteBook {
  const list = async (): Promise<RouteVersion[]> => (await store.list()).filter(({ fields }) => fields !== null);

  const history = async (name: string): Promise<RouteVersion[]> => {
    const versions = await store.history(name);
    if (versions.length > 0) return versions;
    throw missing(name);
  };

  const findGone = async (name: string): Promise<RouteVersion | null> => {
    const [last] = await store.history(name);
    return last?.fields === null ? last : null;
  };

  /** Null where somebody else was faster. */
  const tryWrite = async (change: RouteChange, fields: RouteFields | null): Promise<RouteVersion | null> => {
    const [last] = await store.history(change.name);
    const current = last?.version ?? 0;
    const standing = last === undefined || last.fields === null ? 0 : last.version;
    if (change.expected === 0 && standing > 0) throw taken(change.name, standing);
    const isStale = change.expected !== undefined && change.expected !== standing && change.expected !== current;
    if (isStale) throw stale(change.name, standing);
    if (fields === null && standing === 0) throw missing(change.name);
    const version: RouteVersion = {
      id: newId(),
      name: change.name,
      version: current + 1,
      fields,
      comment: checkComment(change.comment, isSecret),
      ...change.author,
      createdAt: new Date(now()),
    };
    return (await store.add(version, change.by)) ? version : null;
  };

  /** Whoever names a version is told what there is now; whoever names none has it made behind the others'. */
  const write = async (change: RouteChange, fields: RouteFields | null): Promise<RouteVersion> => {
    for (let tries = 0; tries < TRIES; tries++) {
      const written = await tryWrite(change, fields);
      if (written !== null) return written;
    }
    throw stale(change.name, null);
  };

  const check: RouteBook["check"] = ({ name, comment }, fields) => {
    const secrets = Object.entries(fields).filter(([, text]) => isSecret(text));
    // What is wrong elsewhere may repeat what must not be seen.
    checkAll(Object.fromEntries(secrets.map(([field]) => [field, () => refuseSecret(field)])));
    checkAll({
      name: () => checkName(name),
      size: () => checkSize(fields),
      lines: () => checkLines(fields),
      comment: () => checkComment(comment, isSecret),
      fields() {
        const faults = judge(name, fields);
        if (faults.length > 0) throw refuseFaults(faults, "invalid_route");
      },
    });
  };

  const set: RouteBook["set"] = async (change, fields) => {
    check(change, fields);
    const all = await list();
    if (all.length >= MAX_ROUTES && all.every(({ name }) => name !== change.name)) {
      throw invalidRequest(`There are ${MAX_ROUTES} routes already, which is as many as may be.`, "name");
    }
    return write(change, fields);
  };

  return {
    list,
    async get(name) {
      const [last] = await store.history(name);
      if (last === undefined || last.fields === null) throw missing(name);
      return last;
    },
    set,
    check,
    async delete(change) {
      const gone = await findGone(change.name);
      if (gone !== null) return gone;
      try {
        return await write(change, null);
      } catch (error) {
        // Somebody else was faster, which is as good.
        const last = await findGone(change.name);
        if (last === null) throw error;
        return last;
      }
    },
    history,
    async rollback(change, version) {
      const found = (await history(change.name)).find((each) => each.version === version);
      if (found === undefined) {
        throw new GatewayError({
          kind: "not_found",
          param: "version",
          message: `The route "${change.name}" has no version ${version}; its history lists them.`,
        });
      }
      const comment = change.comment ?? `rollback to version ${version}`;
      return found.fields === null ? write({ ...change, comment }, null) : set({ ...change, comment }, found.fields);
    },
  };
}

function checkName(name: string): void {
  if (NAME.test(name)) return;
  throw invalidRequest(
    "A route's name consists of a-z, 0-9, - and _, at most 64 of them, and begins with a letter or a digit.",
    "name",
  );
}

function refuseSecret(field: string): never {
  throw secretSaid(field);
}

function checkComment(comment: string | null | undefined, isSecret: BookInit["isSecret"]): string | null {
  const text = comment?.trim() ?? "";
  if (isSecret(text)) throw secretSaid("comment");
  if (text.length > MAX_COMMENT) throw invalidRequest(`A comment has at most ${MAX_COMMENT} characters.`, "comment");
  return text === "" ? null : text;
}

function secretSaid(field: string): GatewayError {
  const message = `${field} holds what looks like a key or a password, and a route's history is kept and shown: leave it out.`;
  return invalidRequest(message, field, "secret_in_route");
}

function checkSize(fields: RouteFields): void {
  const entries = Object.entries(fields);
  const length = entries.reduce((sum, [field, text]) => sum + field.length + text.length, 0);
  if (entries.length > MAX_FIELDS || length > MAX_LENGTH) {
    throw invalidRequest(`A route has at most ${MAX_FIELDS} fields and ${MAX_LENGTH} characters.`);
  }
}

/** What is put into a body is JSON, in which everything may stand that JSON can say. */
function checkLines(fields: RouteFields): void {
  checkAll(
    Object.fromEntries(
      Object.entries(fields).map(([field, text]) => [
        field,
        () => {
          if (!field.startsWith("set.") || /\p{Cc}/u.test(text)) refuseUnseen(field, text);
        },
      ]),
    ),
  );
}

function missing(name: string): GatewayError {
  return new GatewayError({
    kind: "not_found",
    code: "route_not_found",
    message: `There is no route "${name.slice(0, 100)}" that was declared while the gateway runs.`,
  });
}

function taken(name: string, version: number): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "route_exists",
    message: `There is a route "${name}" already, in version ${version}; change that one, or choose another name.`,
  });
}

function stale(name: string, version: number | null): GatewayError {
  const now = version === null ? "" : version === 0 ? " There is none now." : ` It is in version ${version} now.`;
  return new GatewayError({
    kind: "conflict",
    code: "route_changed",
    message: `The route "${name}" was changed meanwhile.${now} Look at it again, and say which version is to be changed.`,
  });
}
