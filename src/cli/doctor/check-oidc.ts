// The identity provider: whether it describes itself, and as the issuer that it is configured as.

import { createIdentityProvider } from "../../server/index.ts";
import { type Check, adviseTrust, describe, failure, ok } from "./finding.ts";

export const checkOidc: Check = async ({ config, clean, isOffline }) => {
  const { oidc } = config;
  if (oidc === null) return [ok("oidc_issuer", "is not set: nobody signs in elsewhere")];
  if (isOffline) return [ok(oidc.issuer, "is set; not asked, as nothing outside was to be")];
  try {
    // The way to the page is made and never gone.
    await createIdentityProvider(Date.now).address(oidc, {
      redirectUri: `${config.signIn.publicUrl ?? "http://127.0.0.1"}/api/v1/auth/oidc/callback`,
      state: crypto.randomUUID(),
      nonce: crypto.randomUUID(),
      verifier: crypto.randomUUID() + crypto.randomUUID(),
    });
    return [ok(oidc.issuer, "describes itself, and as this issuer")];
  } catch (error) {
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    const found = clean(`does not describe itself as it should: ${describe(cause)}`);
    return [
      failure(oidc.issuer, {
        found,
        why: "Nobody signs in there; other ways in still work.",
        remedy:
          adviseTrust(found) ??
          `Open ${oidc.issuer}/.well-known/openid-configuration from this machine: "issuer" in it must be what oidc_issuer says, letter by letter.`,
      }),
    ];
  }
};
