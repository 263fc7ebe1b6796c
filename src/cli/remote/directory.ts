// Users and keys of a gateway elsewhere, by its API: the directory that commands know. Who acts there is whoever the key speaks for. Prints nothing.

import type { ApiKey, Directory, IssuedKey, KeyChoice, KeyWish } from "../../identity/index.ts";
import { type Remote, askAll, createTrail, segment } from "./client.ts";
import { importThere } from "./import.ts";
import { type PrintedKey, type PrintedUser, readKey, readUser } from "./read.ts";

/** Of the directory, what commands use. */
export type PlaceDirectory = Omit<
  Directory,
  "checkKey" | "checkUser" | "ensureRoot" | "findRoot" | "importUsers" | "listGone" | "listUsers"
>;

const USERS = "/api/v1/admin/users";
const KEYS = "/api/v1/admin/api-keys";
const A_PAGE = 1_000;

/** Answers with what is gone, as it was or is now, and not with nothing. */
export const SHOWING = { prefer: "return=representation" } as const;

export function createRemoteDirectory(remote: Remote): PlaceDirectory {
  return { ...makeUsers(remote), ...makeKeys(remote), ...makeKeyEnds(remote) };
}

type Users = "createUser" | "deleteUser" | "getUser" | "importStream" | "pageUsers" | "updateUser";

function makeUsers(remote: Remote): Pick<Directory, Users> {
  const one = async (question: Parameters<Remote["ask"]>[0]) =>
    readUser((await remote.ask<{ user: PrintedUser }>(question, "user")).user);
  return {
    createUser: (_actor, { email, role, displayName }) =>
      one({ method: "POST", path: USERS, body: { email, role, display_name: displayName } }),
    importStream: (_actor, source, options) => importThere(remote, source, options),
    async pageUsers({ role, status, email }, { limit, cursor }) {
      const page = await remote.ask<{ users: PrintedUser[]; next_cursor: string | null }>(
        {
          method: "GET",
          path: USERS,
          query: { role, status, email, limit, cursor },
        },
        "users",
      );
      return { items: page.users.map(readUser), nextCursor: page.next_cursor };
    },
    getUser: (idOrEmail) => one({ method: "GET", path: `${USERS}/${segment(idOrEmail, "user")}` }),
    updateUser: (_actor, idOrEmail, { displayName, ...change }) =>
      one({
        method: "PATCH",
        path: `${USERS}/${segment(idOrEmail, "user")}`,
        body: { ...change, display_name: displayName },
      }),
    async deleteUser(_actor, idOrEmail, { hard }) {
      const gone = await remote.ask<{ user: PrintedUser } | null>(
        {
          method: "DELETE",
          path: `${USERS}/${segment(idOrEmail, "user")}`,
          query: { hard: hard ? "true" : undefined },
          headers: SHOWING,
        },
        "user",
      );
      return gone === null ? null : readUser(gone.user);
    },
  };
}

type Keys = "createKey" | "getKey" | "listKeys" | "pageKeys" | "rotateKey" | "updateKey";

function makeKeys(remote: Remote): Pick<Directory, Keys> {
  const pageKeys: Directory["pageKeys"] = async (choice, { limit, cursor: from }) => {
    const items: ApiKey[] = [];
    const follow = createTrail();
    for (let cursor = from; ;) {
      const page = await remote.ask<{ api_keys: PrintedKey[]; next_cursor: string | null }>(
        {
          method: "GET",
          path: KEYS,
          query: { ...printChoice(choice), limit: Math.min(A_PAGE, limit - items.length), cursor },
        },
        "api_keys",
      );
      items.push(...page.api_keys.map(readKey));
      cursor = follow(page.next_cursor);
      if (cursor === null || items.length >= limit) return { items, nextCursor: cursor };
    }
  };
  return {
    async createKey(_actor, user, wish) {
      return readIssued(await remote.ask({ method: "POST", path: KEYS, body: { user, ...printWish(wish) } }, "token"));
    },
    async listKeys(idOrEmail) {
      if (idOrEmail === null) return (await pageKeys({}, { cursor: null, limit: Infinity })).items;
      const path = `${USERS}/${segment(idOrEmail, "user")}/api-keys`;
      return (await askAll<PrintedKey>(remote, { method: "GET", path }, "api_keys")).map(readKey);
    },
    pageKeys,
    async getKey(id) {
      const path = `${KEYS}/${segment(id, "API key")}`;
      return readKey((await remote.ask<{ api_key: PrintedKey }>({ method: "GET", path }, "api_key")).api_key);
    },
    async updateKey(_actor, id, wish) {
      const path = `${KEYS}/${segment(id, "API key")}`;
      const answer = await remote.ask<{ api_key: PrintedKey }>(
        { method: "PATCH", path, body: printWish(wish) },
        "api_key",
      );
      return readKey(answer.api_key);
    },
    async rotateKey(_actor, id, { overlapMs }) {
      const path = `${KEYS}/${segment(id, "API key")}/rotate`;
      return readIssued(
        await remote.ask({ method: "POST", path, body: { overlap_seconds: overlapMs / 1000 } }, "token"),
      );
    },
  };
}

function makeKeyEnds(remote: Remote): Pick<Directory, "deleteKey" | "revokeKey" | "revokeKeys"> {
  return {
    async revokeKey(_actor, id) {
      const path = `${KEYS}/${segment(id, "API key")}/revoke`;
      return readKey(
        (await remote.ask<{ api_key: PrintedKey }>({ method: "POST", path, body: {} }, "api_key")).api_key,
      );
    },
    async revokeKeys(_actor, choice, { dryRun, progressed }) {
      const body = { ...printChoice(choice), dry_run: dryRun };
      const path = `${KEYS}/revoke`;
      const { api_keys: keys } = await remote.ask<{ api_keys: PrintedKey[] }>(
        { method: "POST", path, body },
        "api_keys",
      );
      progressed?.(keys.length, keys.length);
      return keys.map(readKey);
    },
    async deleteKey(_actor, id, { hard }) {
      const gone = await remote.ask<{ api_key: PrintedKey } | null>(
        {
          method: "DELETE",
          path: `${KEYS}/${segment(id, "API key")}`,
          query: { hard: hard ? "true" : undefined },
          headers: SHOWING,
        },
        "api_key",
      );
      return gone === null ? null : readKey(gone.api_key);
    },
  };
}

function readIssued({ token, api_key: key }: { token: string; api_key: PrintedKey }): IssuedKey {
  return { token, key: readKey(key) };
}

function printChoice({ user, prefix, tag, unusedSince, ...rest }: KeyChoice & { isOpen?: boolean | undefined }) {
  const state = rest.isOpen === true ? { status: "open" } : {};
  return { user, prefix, tag, unused_since: unusedSince?.toISOString(), ...state };
}

function printWish({ name, scopes, strict, tags, ...wish }: KeyWish): object {
  return {
    name,
    scopes,
    strict,
    tags,
    allowed_models: wish.allowedModels,
    allowed_providers: wish.allowedProviders,
    allowed_ips: wish.allowedIps,
    expires_at: wish.expiresAt instanceof Date ? wish.expiresAt.toISOString() : wish.expiresAt,
  };
}
