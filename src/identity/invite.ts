// Bringing somebody in: a user, made where there is none yet, with a link that signs it in once. Knows no mail and no HTTP.

import { GatewayError, checkAll, invalidRequest, toGatewayError } from "../ir/index.ts";
import { checkEmail, checkName, checkRole } from "./check.ts";
import type { Actor, Directory, NewUser } from "./directory.ts";
import type { User } from "./model.ts";
import { requireAdmin, requireGrant } from "./permission.ts";
import { INVITE_MS, type SignIn } from "./sign-in.ts";

const LEAST_MS = 60_000;

export interface Invitation {
  user: User;
  /** False where the user was there already, and only gets another link. */
  isNew: boolean;
  token: string;
  expiresAt: Date;
}

/** Throws forbidden, invalid_request, and conflict where the user is there with another role than the one that is asked for. */
export async function inviteUser(
  actor: Actor,
  wanted: Wanted,
  { directory, signIn }: { directory: Directory; signIn: Pick<SignIn, "makeLink"> },
): Promise<Invitation> {
  requireAdmin(actor);
  const { email, role, ttlMs } = checkInvitation(wanted);
  const known = await findUser(directory, email);
  if (known !== null && role !== undefined && known.role !== role) {
    throw new GatewayError({
      kind: "conflict",
      param: "role",
      message: `This user is there already, as ${known.role}. Change the role first, or invite without one.`,
    });
  }
  // Whoever has the link is that user: it is no way to a role that the actor does not reach.
  if (known !== null) requireGrant(actor, known.role);
  const user = known ?? (await createUser(directory, actor, wanted));
  // Somebody else was faster.
  if (user === null) return inviteUser(actor, wanted, { directory, signIn });
  const { token, of } = await signIn.makeLink(user, { kind: "hand-out", ttlMs, by: actor.from });
  return { user, isNew: known === null, token, expiresAt: of.expiresAt };
}

type Wanted = NewUser & { ttlMs?: number | undefined };

/** Throws `invalid_request` with all that is wrong with the words themselves. */
export function checkInvitation({ email, role, displayName = null, ttlMs = INVITE_MS }: Wanted) {
  return checkAll({
    email: () => checkEmail(email),
    role: role === undefined ? undefined : () => checkRole(role),
    displayName: () => checkName(displayName, "display_name"),
    ttlMs: () => checkSpan(ttlMs),
  });
}

function checkSpan(ttlMs: number): number {
  if (ttlMs >= LEAST_MS && ttlMs <= INVITE_MS) return ttlMs;
  throw invalidRequest(
    `An invitation is good for a minute at least, and for a week at most: ${LEAST_MS / 1000} to ${INVITE_MS / 1000}.`,
    "ttl_seconds",
  );
}

/** Null where there is one of that address by now. */
async function createUser(directory: Directory, actor: Actor, wanted: Wanted): Promise<User | null> {
  try {
    return await directory.createUser(actor, wanted);
  } catch (error) {
    if (toGatewayError(error).kind === "conflict" && (await findUser(directory, wanted.email)) !== null) return null;
    throw error;
  }
}

async function findUser(directory: Directory, email: string): Promise<User | null> {
  try {
    return await directory.getUser(email);
  } catch (error) {
    if (toGatewayError(error).kind === "not_found") return null;
    throw error;
  }
}
