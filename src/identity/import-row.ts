// Which rows of a list of users can be taken: each is checked by itself, against those before it, and against who is there. Writes nothing.

import { GatewayError, checkAll, invalidRequest, placeRefusal, toGatewayError } from "../ir/index.ts";
import { type Sieve, createSieve } from "../lib/sieve.ts";
import { checkEmail, checkName, checkRole } from "./check.ts";
import { buildUser, type DirectoryContext } from "./context.ts";
import type { IdentityStore } from "./store.ts";
import type { Actor, ImportRow, RowOutcome } from "./directory.ts";
import type { User } from "./model.ts";
import { forbid, requireAdmin, requireGrant } from "./permission.ts";

/** What an import takes: a database, or whoever stands for one. */
export interface ImportContext extends Pick<DirectoryContext, "newId" | "now" | "randomBytes"> {
  store: Pick<IdentityStore, "createUsers" | "findTaken">;
}

export interface RowCheck {
  /** In their order; to be asked once for each row. */
  check(rows: readonly ImportRow[]): Promise<RowOutcome[]>;
}

export function createRowCheck(
  context: ImportContext,
  actor: Actor,
  { skipExisting }: { skipExisting: boolean },
): RowCheck {
  requireAdmin(actor);
  const seed = new DataView(Uint8Array.from(context.randomBytes(8)).buffer).getBigUint64(0);
  const sieve = createSieve(seed);
  return {
    async check(rows) {
      const read = rows.map((row) => ({ row, user: readRow(context, actor, row) }));
      const emails = read.flatMap(({ user }) => (user instanceof GatewayError ? [] : [user.email]));
      const taken = await context.store.findTaken(emails);
      return read.map(({ row, user }) => {
        if (user instanceof GatewayError) return { ...row, kind: "refused", error: user };
        const error = findTwin(user, row.row, { sieve, taken });
        if (error === null) return { ...row, kind: "created", user };
        return skipExisting
          ? { ...row, kind: "skipped", email: user.email, reason: error.reason }
          : { ...row, kind: "refused", error: error.error };
      });
    },
  };
}

function readRow(context: ImportContext, actor: Actor, { wanted, flaw }: ImportRow): User | GatewayError {
  try {
    if (flaw !== undefined) throw invalidRequest(flaw);
    const { role: word = "", email, displayName = null } = wanted;
    const checked = checkAll({
      email: () => checkEmail(email),
      role: () => checkRole(word === "" ? "gateway_user" : word),
      displayName: () => checkName(displayName, "display_name"),
    });
    if (checked.role === "root_admin" && actor.kind !== "operator") {
      throw forbid("an import cannot make root admins.");
    }
    requireGrant(actor, checked.role);
    return buildUser(context, checked);
  } catch (error) {
    return toGatewayError(error);
  }
}

interface Known {
  sieve: Sieve;
  taken: ReadonlySet<string>;
}

function findTwin(
  { email }: User,
  row: number,
  { sieve, taken }: Known,
): { reason: string; error: GatewayError } | null {
  const twin = sieve.claim(email, row);
  if (twin !== null) {
    const reason = `same e-mail as row ${twin}`;
    return { reason, error: invalidRequest(`${email}: ${reason}.`, "email") };
  }
  if (!taken.has(email)) return null;
  const reason = "a user with this e-mail already exists";
  return { reason, error: new GatewayError({ kind: "conflict", message: `${email}: ${reason}.`, param: "email" }) };
}

/** The same error, with its row. */
export function nameRow(error: GatewayError, row: number): GatewayError {
  return placeRefusal(error, `users.${row - 1}`, (message) => `Row ${row}: ${message}`);
}
