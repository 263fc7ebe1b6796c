// Who of those that an identity provider vouches for gets in here, as whom, and as what. Knows no protocol, no SQL and no HTTP.

import { GatewayError } from "../ir/index.ts";
import type { Origin } from "../lib/change.ts";
import { listFormerReach } from "./authority.ts";
import { checkEmail, checkName } from "./check.ts";
import { buildUser, type DirectoryOptions, missing } from "./context.ts";
import type { Actor } from "./directory.ts";
import type { Role, User } from "./model.ts";
import { originOf } from "./origin.ts";
import type { Errand, OutsideClaim, OutsideIdentity, OutsideRules } from "./outside.ts";
import { requireAdmin, requireReach } from "./permission.ts";
import { hashToken, isSessionShaped, issueSecret } from "./token.ts";

/** How long a browser may stay at the provider. */
export const ERRAND_MS = 10 * 60 * 1000;

export interface Admission {
  /** A browser sets out; the token is its alone. `userId`: whose account is to be connected. */
  setOut(way: Pick<Errand, "issuer" | "returnTo" | "userId">): Promise<{ token: string; errand: Errand }>;
  /** The errand of a browser that comes back; null where there is none, or it is over. */
  recognise(token: string): Promise<Errand | null>;
  /** Uses the errand up. Throws unauthenticated where somebody has. */
  finish(errand: Errand): Promise<void>;
  /**
   * The user who is meant, made or connected where the rules say so. Throws forbidden or conflict, with a code and words that are safe to
   * show. An account that is connected already is known by issuer and subject alone; one that is not is connected to the user of the same
   * address only where that address is verified and of a domain that is allowed, and never to a root administrator.
   */
  admit(claim: OutsideClaim, rules: OutsideRules, by: Origin): Promise<Admitted>;
  /** Connects an account to a user who has asked for it while signed in. Throws as `admit` does. */
  connect(userId: string, claim: OutsideClaim, rules: OutsideRules, by: Origin): Promise<OutsideIdentity>;
  list(userId: string): Promise<OutsideIdentity[]>;
  /** One that he has disconnected before is as good. Throws not_found. */
  disconnect(id: string, userId: string, by?: Origin): Promise<void>;
  /** Likewise, by whoever reaches the user; null for one that was disconnected before. */
  remove(actor: Actor, id: string): Promise<OutsideIdentity | null>;
}

/** Who gets in as what, and what is recorded of who asks. */
interface Terms {
  rules: OutsideRules;
  by: Origin;
}

const NO_ACCOUNT = "There is no such connected account.";

export interface Admitted {
  user: User;
  /** What had to be done for it. */
  how: "connected" | "created" | "known";
}

export function createAdmission(options: DirectoryOptions): Admission {
  const { store, now, newId = Bun.randomUUIDv7, randomBytes = fromSystem } = options;
  const context = { now, newId: () => newId() };

  const makeIdentity = (userId: string, { issuer, subject, email }: OutsideClaim): OutsideIdentity => {
    const at = new Date(now());
    return { id: newId(), userId, issuer, subject, email, createdAt: at, lastUsedAt: at };
  };

  const follow = async (user: User, claim: OutsideClaim, { rules, by }: Terms): Promise<User> => {
    requireActive(user);
    const role = chooseRole(user, claim, rules);
    if (role === user.role) return user;
    const how = { formerReach: listFormerReach(role) };
    return (await store.updateUser(user.id, { role }, new Date(now()), by, how)) ?? raise(removed());
  };

  /** Whom an administrator has removed does not come back by knocking at another door, whether he ever came to this one or not. */
  const wasRemoved = async (who: OutsideClaim & { email: string }): Promise<boolean> =>
    (await store.findGoneUser(who.email)) !== null || store.wasPurged(who);

  /** Of two who come at the same time, the slower one finds what the other has made. */
  const enrol = async (claim: OutsideClaim, terms: Terms, isSecond: boolean): Promise<Admitted> => {
    const { rules } = terms;
    const email = requireAddress(claim, rules);
    const found = await store.findIdentity(claim.issuer, claim.subject);
    if (found !== null && !found.isDeleted) {
      const user = await follow(found.user, claim, terms);
      await store.touchIdentity(found.identity.id, { email, at: new Date(now()) });
      return { user, how: "known" };
    }
    const known = await store.findUserByEmail(email);
    if (known === null && (found !== null || (await wasRemoved({ ...claim, email })))) throw removed();
    try {
      if (known !== null) return await attach(known, { ...claim, email }, terms);
      return await create({ ...claim, email }, terms);
    } catch (error) {
      if (!(error instanceof GatewayError && error.kind === "conflict")) throw error;
      if (isSecond) throw otherAccount();
      return enrol(claim, terms, true);
    }
  };

  const attach = async (user: User, claim: OutsideClaim, terms: Terms): Promise<Admitted> => {
    if (user.role === "root_admin") throw refuseRoot();
    requireActive(user);
    chooseRole(user, claim, terms.rules);
    await store.createIdentity(makeIdentity(user.id, claim), terms.by);
    return { user: await follow(user, claim, terms), how: "connected" };
  };

  const create = async (claim: OutsideClaim & { email: string }, { rules, by }: Terms): Promise<Admitted> => {
    if (!rules.createsUsers) throw unknown();
    const role = chooseRole(null, claim, rules);
    const user = buildUser(context, { email: claim.email, role, displayName: readName(claim.name) });
    await store.createUserWithIdentity(user, makeIdentity(user.id, claim), by);
    return { user, how: "created" };
  };

  return {
    async setOut(way) {
      const { token, hash } = issueSecret(randomBytes);
      const at = now();
      const errand = { id: newId(), hash, ...way, createdAt: new Date(at), expiresAt: new Date(at + ERRAND_MS) };
      await store.createErrand(errand);
      return { token, errand };
    },
    recognise: async (token) => (isSessionShaped(token) ? store.findErrand(hashToken(token), new Date(now())) : null),
    async finish(errand) {
      if (!(await store.consumeErrand(errand.id, new Date(now())))) throw errandOver();
    },
    admit: (claim, rules, by) => enrol(claim, { rules, by }, false),
    async connect(userId, claim, rules, by) {
      const email = requireAddress(claim, rules);
      const user = await store.findUser(userId);
      if (user === null) throw removed();
      requireActive(user);
      const found = await store.findIdentity(claim.issuer, claim.subject);
      if (found !== null && !found.isDeleted) {
        if (found.user.id === userId) return found.identity;
        throw taken();
      }
      const identity = makeIdentity(userId, { ...claim, email });
      try {
        await store.createIdentity(identity, by);
      } catch (error) {
        throw error instanceof GatewayError && error.kind === "conflict" ? otherAccount() : error;
      }
      return identity;
    },
    list: (userId) => store.listIdentities(userId),
    async disconnect(id, userId, by) {
      if (await store.deleteIdentity(id, userId, by)) return;
      if (!(await store.wasRemoved("identity", id, userId))) throw missing(NO_ACCOUNT);
    },
    async remove(actor, id) {
      const found = await store.findIdentityById(id);
      if (found === null) {
        requireAdmin(actor);
        if (await store.wasRemoved("identity", id)) return null;
        throw missing(NO_ACCOUNT);
      }
      requireReach(actor, found.user.role);
      await store.deleteIdentity(id, found.user.id, originOf(actor, now()));
      return found.identity;
    },
  };
}

/** The address, where the provider has verified it and its domain is allowed: asked for at every sign-in, not only at the first. */
function requireAddress({ email, isEmailVerified }: OutsideClaim, { domains, trustsIssuer }: OutsideRules): string {
  if (email === null)
    throw forbid(
      "email_missing",
      "The identity provider does not say your e-mail address. Let it send the claim email.",
    );
  if (isEmailVerified === null && !trustsIssuer) {
    throw forbid(
      "email_not_verified",
      "The identity provider does not say whether it has verified your e-mail address (claim email_verified). Where it gives out the addresses itself, the operator can say so: oidc_trust_email.",
    );
  }
  if (isEmailVerified === false) {
    throw forbid(
      "email_not_verified",
      "The identity provider has not verified your e-mail address (claim email_verified).",
    );
  }
  const address = checkEmail(email);
  const domain = address.slice(address.lastIndexOf("@") + 1);
  if (domains !== null && !domains.includes(toAscii(domain))) {
    throw forbid("domain_not_allowed", "E-mail addresses of this domain may not sign in here.");
  }
  return address;
}

function toAscii(domain: string): string {
  return URL.parse(`http://${domain}`)?.hostname ?? domain;
}

/** What the claim says, where the provider decides; a root administrator stays one. */
function chooseRole(user: User | null, { words }: OutsideClaim, rules: OutsideRules): Role {
  if (user?.role === "root_admin") return user.role;
  if (!rules.decidesRoles) return user?.role ?? "gateway_user";
  const fits = rules.roles.find(({ value }) => words.includes(value))?.role ?? rules.defaultRole;
  if (fits !== null) return fits;
  throw forbid("no_role", "The identity provider gives you no role here. Ask whoever manages your groups.");
}

function requireActive(user: User): void {
  if (user.status === "active") return;
  throw forbid("user_suspended", "Your account here is suspended. Ask an administrator.");
}

/** What cannot be shown as a name is left out: nobody is turned away for it. */
function readName(name: string | null): string | null {
  try {
    return checkName(name, "display_name");
  } catch {
    return null;
  }
}

function forbid(code: string, message: string): GatewayError {
  return new GatewayError({ kind: "forbidden", code, message });
}

function unknown(): GatewayError {
  return forbid("not_invited", "You have no account here. Ask an administrator to add you.");
}

function removed(): GatewayError {
  return forbid("user_removed", "Your account here was removed. Ask an administrator.");
}

function refuseRoot(): GatewayError {
  return forbid(
    "root_not_connected",
    "A root administrator's account is not connected by its address alone. Sign in by link, then connect it on the page.",
  );
}

function taken(): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "identity_taken",
    message: "This account at the identity provider belongs to another user here.",
  });
}

/** An address that was given to somebody else at the provider, for one: only a person can tell. */
function otherAccount(): GatewayError {
  return new GatewayError({
    kind: "conflict",
    code: "other_account",
    message: "Another account of this identity provider is connected to this user. Disconnect that one first.",
  });
}

export function errandOver(): GatewayError {
  return new GatewayError({
    kind: "unauthenticated",
    code: "sign_in_over",
    message: "This sign-in is over, was used already, or was begun in another browser. Begin anew.",
  });
}

function raise(error: GatewayError): never {
  throw error;
}

function fromSystem(length: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(length));
}
