// The directory at work: checks, permission, then one call of the store for each change. Knows no SQL and no HTTP.

import { GatewayError, checkAll } from "../ir/index.ts";
import { type Origin, byProgram } from "../lib/change.ts";
import { listFormerReach } from "./authority.ts";
import { checkEmail, checkName, checkPrefix, checkRole, checkStatus, normalizeEmail } from "./check.ts";
import { buildUser, type DirectoryContext, type DirectoryOptions, missing } from "./context.ts";
import type { ChangedUser, Directory, UserWish } from "./directory.ts";
import { importStream, importUsers } from "./import-users.ts";
import { createKeyDirectory } from "./key-directory.ts";
import type { Role, User } from "./model.ts";
import { originOf } from "./origin.ts";
import { readPage } from "./page.ts";
import { requireAdmin, requireGrant, requireReach } from "./permission.ts";
import type { IdentityStore, UserChange, UserFilter } from "./store.ts";

/** See `Directory` for what each function promises. */
export function createDirectory({
  store,
  now,
  newId = Bun.randomUUIDv7,
  randomBytes = randomFromSystem,
}: DirectoryOptions): Directory {
  async function getUser(idOrEmail: string): Promise<User> {
    const found = idOrEmail.includes("@")
      ? await store.findUserByEmail(normalizeEmail(idOrEmail))
      : await store.findUser(idOrEmail.trim());
    if (found === null) throw missing("There is no such user.");
    return found;
  }
  const context: DirectoryContext = { store, now, newId: () => newId(), randomBytes, getUser };

  /** Whoever was the only administrator until then is that no more, and signs in by proof, whatever becomes of the other one. */
  const closeDoorFor = async (roles: readonly Role[], by: Origin | undefined): Promise<void> => {
    if (roles.some((role) => role !== "gateway_user")) await store.closeProoflessDoor(by);
  };

  const createUsers: IdentityStore["createUsers"] = async (users, by) => {
    await store.createUsers(users, by);
    await closeDoorFor(
      users.map(({ role }) => role),
      by,
    );
  };
  const importing = { ...context, store: { createUsers, findTaken: store.findTaken } };

  return {
    async createUser(actor, wanted) {
      requireAdmin(actor);
      const checked = checkAll({
        email: () => checkEmail(wanted.email),
        role: () => checkRole(wanted.role ?? "gateway_user"),
        displayName: () => checkName(wanted.displayName ?? null, "display_name"),
      });
      const user = buildUser(context, checked);
      requireGrant(actor, user.role);
      await createUsers([user], originOf(actor, now()));
      return user;
    },
    importUsers: (actor, users, options) => importUsers(importing, actor, users, options),
    importStream: (actor, source, options) => importStream(importing, actor, source, options),
    listUsers: () => store.listUsers(),
    async pageUsers(wish, page) {
      const { email } = wish;
      const filter = readUserWish(wish);
      return readPage(page, {
        order: email === undefined ? "id" : "email",
        read: (place) => store.pageUsers(filter, place),
        placeOf: (user) => (email === undefined ? user.id : user.email),
      });
    },
    findRoot: () => store.findRoot(),
    listGone: (named) => store.listGone(named),
    getUser,
    async updateUser(actor, idOrEmail, wanted, { look } = {}) {
      requireAdmin(actor);
      const said = readChange(wanted);
      const user = await getUser(idOrEmail);
      requireReach(actor, user.role);
      if (said.role !== undefined) requireGrant(actor, said.role);
      const change = withoutSame(said, user);
      // Whoever has the mailbox is that user: another address is a door to the role, as an invitation is.
      if (change.email !== undefined) requireGrant(actor, user.role);
      if (Object.keys(change).length === 0) {
        look?.(user);
        return user;
      }
      const kept = actor.kind === "user" ? (actor.sessionId ?? null) : null;
      const by = originOf(actor, now());
      const formerReach = change.role === undefined ? [] : listFormerReach(change.role);
      const changed = await store.updateUser(user.id, change, new Date(now()), by, { look, kept, formerReach });
      if (change.role !== undefined) await closeDoorFor([change.role], by);
      return changed ?? raise(missing("There is no such user."));
    },
    async deleteUser(actor, idOrEmail, { hard, look }) {
      requireAdmin(actor);
      const word = idOrEmail.includes("@") ? normalizeEmail(idOrEmail) : idOrEmail.trim();
      const by = originOf(actor, now());
      const user = word.includes("@") ? await store.findUserByEmail(word) : await store.findUser(word);
      if (user !== null) {
        requireReach(actor, user.role);
        if (hard) await store.purgeUser(user.id, by, look);
        else await store.deleteUser(user.id, new Date(now()), by, look);
        // Somebody else may have been faster, which is as good.
        return hard ? user : ((await store.findGoneUser(user.id)) ?? user);
      }
      const gone = await store.findGoneUser(word);
      if (gone === null && (await store.wasRemoved("user", word))) return null;
      if (gone === null) throw missing("There is no such user.");
      requireReach(actor, gone.role);
      if (hard) await store.purgeUser(gone.id, by);
      return gone;
    },
    checkUser: (change) => void readChange(change),
    ...createKeyDirectory(context),
    ensureRoot: (email) => ensureRoot(context, email),
  };
}

/** What ends sessions does so only where it changes something, and what changes nothing is no change: nobody has to look again for it. */
function withoutSame({ email, role, displayName, status }: UserChange, user: User): UserChange {
  return {
    ...(email === undefined || email === user.email ? {} : { email }),
    ...(role === undefined || role === user.role ? {} : { role }),
    ...(displayName === undefined || displayName === user.displayName ? {} : { displayName }),
    ...(status === undefined || status === user.status ? {} : { status }),
  };
}

/** What a list of users is to hold. Throws invalid_request for words that say nothing. */
export function readUserWish({ role, status, email }: UserWish): UserFilter {
  return checkAll({
    role: role === undefined ? undefined : () => checkRole(role),
    status: status === undefined ? undefined : () => checkStatus(status),
    emailPrefix: email === undefined ? undefined : () => checkPrefix(email),
  });
}

/** What is said, checked. */
function readChange({ email, role, status, displayName }: ChangedUser): UserChange {
  return checkAll({
    email: email === undefined ? undefined : () => checkEmail(email),
    role: role === undefined ? undefined : () => checkRole(role),
    status: status === undefined ? undefined : () => checkStatus(status),
    displayName: displayName === undefined ? undefined : () => checkName(displayName, "display_name"),
  });
}

/** Processes that start together may both find no root; the slower one then finds the other's. */
async function ensureRoot(context: DirectoryContext, address: string): Promise<User> {
  const { store, now } = context;
  const email = checkEmail(address);
  // It is the configuration that names him.
  const by = byProgram("configuration", new Date(now()));
  const root = await store.findRoot();
  if (root !== null) return root;
  const known = await store.findUserByEmail(email);
  if (known !== null) {
    const change: UserChange = { role: "root_admin", status: "active" };
    const how = { formerReach: listFormerReach("root_admin") };
    const changed = await store.updateUser(known.id, change, new Date(now()), by, how);
    return changed ?? ensureRoot(context, email);
  }
  const user = buildUser(context, { email, role: "root_admin", displayName: null });
  try {
    await store.createUsers([user], by);
    return user;
  } catch (error) {
    const other = error instanceof GatewayError && error.kind === "conflict" ? await store.findRoot() : null;
    if (other === null) throw error;
    return other;
  }
}

function randomFromSystem(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}

function raise(error: GatewayError): never {
  throw error;
}
