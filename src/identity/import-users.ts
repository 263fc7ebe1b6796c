// Many users at once: all rows are checked before any is written, and then all are written or none. Knows no CSV.

import { GatewayError, invalidRequest, toGatewayError } from "../ir/index.ts";
import { checkEmail, checkName, checkRole } from "./check.ts";
import { buildUser, type DirectoryContext } from "./context.ts";
import type { Actor, ImportResult, NewUser } from "./directory.ts";
import type { User } from "./model.ts";
import { originOf } from "./origin.ts";
import { forbid, requireAdmin } from "./permission.ts";

/** How often to look again where another process keeps adding the same addresses. */
const TRIES = 3;

interface Row {
  /** From 1, as the caller counts. */
  row: number;
  user: User;
}

export async function importUsers(
  context: DirectoryContext,
  actor: Actor,
  wanted: readonly NewUser[],
  options: { skipExisting: boolean; dryRun: boolean },
): Promise<ImportResult> {
  requireAdmin(actor);
  const rows = wanted.map((one, index) => checkRow(context, actor, one, index));
  for (let attempt = 1; ; attempt++) {
    const result = await sortOut(context, rows, options.skipExisting);
    if (options.dryRun) return result;
    try {
      await context.store.createUsers(result.created, originOf(actor, context.now()));
      return result;
    } catch (error) {
      // Somebody was faster with one of the addresses: the next look sees it.
      if (toGatewayError(error).kind !== "conflict" || attempt === TRIES) throw error;
    }
  }
}

function checkRow(context: DirectoryContext, actor: Actor, wanted: NewUser, index: number): Row {
  const row = index + 1;
  try {
    const role = checkRole(wanted.role === undefined || wanted.role === "" ? "gateway_user" : wanted.role);
    if (role === "root_admin" && actor.kind !== "operator") {
      throw forbid("an import cannot make root admins.");
    }
    const email = checkEmail(wanted.email);
    return {
      row,
      user: buildUser(context, { email, role, displayName: checkName(wanted.displayName ?? null, "display_name") }),
    };
  } catch (error) {
    throw nameRow(toGatewayError(error), row);
  }
}

/** Which rows are new; the others are skipped, or end the import. */
async function sortOut(context: DirectoryContext, rows: readonly Row[], skipExisting: boolean): Promise<ImportResult> {
  const known = new Set((await context.store.listUsers()).map((user) => user.email));
  const firstRows = new Map<string, number>();
  const result: ImportResult = { created: [], skipped: [] };
  for (const { row, user } of rows) {
    const { email } = user;
    const twin = firstRows.get(email);
    const reason =
      twin !== undefined
        ? `same e-mail as row ${twin}`
        : known.has(email)
          ? "a user with this e-mail already exists"
          : null;
    if (twin === undefined) firstRows.set(email, row);
    if (reason === null) result.created.push(user);
    else if (skipExisting) result.skipped.push({ row, email, reason });
    else if (twin !== undefined) throw nameRow(invalidRequest(`${email}: ${reason}.`, "email"), row);
    else throw nameRow(new GatewayError({ kind: "conflict", message: `${email}: ${reason}.`, param: "email" }), row);
  }
  return result;
}

function nameRow(error: GatewayError, row: number): GatewayError {
  const param = error.param === undefined ? undefined : `users[${row - 1}].${error.param}`;
  return new GatewayError({ kind: error.kind, message: `Row ${row}: ${error.message}`, param, cause: error.cause });
}
