// Speaks with an identity provider, in OpenID Connect: where a browser is sent, and what is said of it when it comes back. Knows no user.

import type { Configuration } from "openid-client";
import type { Config } from "../../config/value.ts";
import type { OutsideClaim } from "../../identity/index.ts";
import { GatewayError } from "../../ir/index.ts";

export type Settings = NonNullable<Config["oidc"]>;

/** What only the browser that was sent out can know, and each way out anew. */
export interface WaySecrets {
  state: string;
  nonce: string;
  /** Of PKCE. */
  verifier: string;
}

export interface IdentityProvider {
  /** The provider's page. Throws upstream_unavailable where it does not answer. */
  address(settings: Settings, way: WaySecrets & { redirectUri: string }): Promise<string>;
  /**
   * Who has come back, told by the provider itself and signed with one of its present keys. `answer`: the address by which the browser came.
   * Throws unauthenticated for whatever cannot be trusted, forbidden where the provider said no, upstream_unavailable where it does not answer.
   */
  readAnswer(settings: Settings, answer: URL, way: WaySecrets): Promise<OutsideClaim>;
}

/** Its own description is asked for again after so long, and after each failure. */
const DESCRIBED_MS = 60 * 60 * 1000;
const TIMEOUT_S = 10;
/** How far the provider's clock may be from ours. */
const SKEW_S = 60;

type Library = typeof import("openid-client");
type Described = ReturnType<Configuration["serverMetadata"]>;

export function createIdentityProvider(nowMs: () => number): IdentityProvider {
  let known: { issuer: string; at: number; described: Promise<Described> } | null = null;

  const describe = (library: Library, { issuer, clientId }: Settings): Promise<Described> => {
    if (known?.issuer === issuer && nowMs() - known.at < DESCRIBED_MS) return known.described;
    const described = library
      .discovery(new URL(issuer), clientId, undefined, library.None(), {
        timeout: TIMEOUT_S,
        execute: isPlain(issuer) ? [library.allowInsecureRequests] : [],
      })
      .then((configuration) => configuration.serverMetadata());
    const mine = { issuer, at: nowMs(), described };
    known = mine;
    described.catch(() => {
      if (known === mine) known = null;
    });
    return described;
  };

  /** Anew for each use: with it the provider's keys are asked for, so that one that was changed a moment ago holds at once. */
  const open = async (library: Library, settings: Settings): Promise<Configuration> => {
    const { clientId, clientSecret, issuer } = settings;
    const described = await describe(library, settings);
    const metadata = {
      [library.clockTolerance]: SKEW_S,
      ...(clientSecret === null ? {} : { client_secret: clientSecret }),
    };
    const configuration = new library.Configuration(described, clientId, metadata, prove(library, settings, described));
    configuration.timeout = TIMEOUT_S;
    if (isPlain(issuer)) library.allowInsecureRequests(configuration);
    library.enableNonRepudiationChecks(configuration);
    return configuration;
  };

  return {
    async address(settings, { redirectUri, state, nonce, verifier }) {
      // Loaded here and not above: most gateways have no identity provider.
      const library = await import("openid-client");
      try {
        const configuration = await open(library, settings);
        const url = library.buildAuthorizationUrl(configuration, {
          redirect_uri: redirectUri,
          scope: settings.scopes,
          state,
          nonce,
          code_challenge: await library.calculatePKCECodeChallenge(verifier),
          code_challenge_method: "S256",
        });
        return url.href;
      } catch (error) {
        throw unreachable(error);
      }
    },
    async readAnswer(settings, answer, { state, nonce, verifier }) {
      const library = await import("openid-client");
      const configuration = await open(library, settings).catch((error: unknown) => {
        throw unreachable(error);
      });
      try {
        const tokens = await library.authorizationCodeGrant(configuration, answer, {
          expectedState: state,
          expectedNonce: nonce,
          pkceCodeVerifier: verifier,
          idTokenExpected: true,
        });
        const claims = tokens.claims() ?? {};
        const { sub } = claims as { sub: string };
        const { issuer, userinfo_endpoint: door } = configuration.serverMetadata();
        const isEnough = door === undefined || isWhole(claims, settings);
        const more = isEnough ? {} : await library.fetchUserInfo(configuration, tokens.access_token, sub);
        return readClaim({ issuer, subject: sub }, claims, more, settings);
      } catch (error) {
        throw judge(library, error);
      }
    },
  };
}

function isPlain(issuer: string): boolean {
  return issuer.startsWith("http:");
}

/** In whichever way the provider takes a secret; in the header, unless it says that it does not. */
function prove(library: Library, { clientSecret }: Settings, described: Described) {
  if (clientSecret === null) return library.None();
  const ways = described.token_endpoint_auth_methods_supported ?? ["client_secret_basic"];
  const takesHeader = ways.includes("client_secret_basic") || !ways.includes("client_secret_post");
  return takesHeader ? library.ClientSecretBasic(clientSecret) : library.ClientSecretPost(clientSecret);
}

type Claims = Readonly<Record<string, unknown>>;

/** Whether the ID token says all that is asked of it; else the provider is asked for the rest. */
function isWhole(claims: Claims, { roleClaim }: Settings): boolean {
  const saysEmail = typeof claims["email"] === "string" && claims["email_verified"] !== undefined;
  return saysEmail && (roleClaim === null || findClaim(claims, roleClaim) !== undefined);
}

/** `more`: of the same subject, which the library has made sure of. */
function readClaim(
  who: Pick<OutsideClaim, "issuer" | "subject">,
  claims: Claims,
  more: Claims,
  { roleClaim }: Settings,
): OutsideClaim {
  if (who.subject === "" || who.subject.length > SUBJECT_MAX) {
    throw unproven(new Error("the subject is empty or too long"));
  }
  // An address and whether it is verified are one statement: never put together from two.
  const isWhole = typeof claims["email"] === "string" && claims["email_verified"] !== undefined;
  const source = isWhole || typeof more["email"] !== "string" ? claims : more;
  const { email, email_verified: isVerified } = source;
  const name = claims["name"] ?? more["name"];
  const roles = roleClaim === null ? undefined : (findClaim(claims, roleClaim) ?? findClaim(more, roleClaim));
  return {
    ...who,
    email: typeof email === "string" ? email : null,
    // Some providers write it as a word.
    isEmailVerified: isVerified === undefined ? null : isVerified === true || isVerified === "true",
    name: typeof name === "string" ? name : null,
    words: (Array.isArray(roles) ? roles : [roles]).filter((word) => typeof word === "string"),
  };
}

/** What the standard allows. */
const SUBJECT_MAX = 255;

/** By its whole name, which may hold dots, else step by step. */
function findClaim(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let found: unknown = claims;
  for (const name of path.split(".")) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) return undefined;
    found = (found as Claims)[name];
  }
  return found;
}

function unreachable(error: unknown): GatewayError {
  return new GatewayError({
    kind: "upstream_unavailable",
    code: "identity_provider_unreachable",
    message: "The identity provider does not answer as it should. Try again in a moment, or sign in by link.",
    cause: strip(error),
  });
}

function judge(library: Library, error: unknown): GatewayError {
  if (error instanceof GatewayError) return error;
  if (error instanceof library.AuthorizationResponseError) {
    return new GatewayError({
      kind: "forbidden",
      code: "identity_provider_refused",
      message: `The identity provider did not let you in (${/^[a-z_]{1,60}$/u.test(error.error) ? error.error : "no reason that can be shown"}).`,
    });
  }
  const { code } = error as { code?: unknown };
  const isJudged = typeof code === "string" && code.startsWith("OAUTH_") && !NO_ANSWER.has(code);
  return isJudged ? unproven(strip(error)) : unreachable(error);
}

/** What the library calls it where nothing came that could be judged. */
const NO_ANSWER: ReadonlySet<string> = new Set(["OAUTH_ABORT", "OAUTH_RESPONSE_IS_NOT_CONFORM", "OAUTH_TIMEOUT"]);

function unproven(cause: Error): GatewayError {
  return new GatewayError({
    kind: "unauthenticated",
    code: "identity_not_proven",
    message: "What the identity provider answered does not prove who you are. Begin anew.",
    cause,
  });
}

/** What an error of the library is about, without what it carries: tokens and claims are in no log. */
function strip(error: unknown): Error {
  const { code, error: word, message } = error as { code?: unknown; error?: unknown; message?: unknown };
  return new Error([code, word, message].filter((part) => typeof part === "string").join(": "));
}
