// Google's access tokens, by what the operator's credentials are: a service account's key, a user's login, another cloud's identity, or
// nothing, which means the machine's own account. https://google.aip.dev/auth/4110

import { GatewayError, type JsonObject, isJsonObject } from "../ir/index.ts";
import type { ProviderTools } from "./kind.ts";
import { type Token, readAnswer, readToken, requestToken } from "./token.ts";

const SCOPE = "https://www.googleapis.com/auth/cloud-platform";
const TOKEN_URL = "https://oauth2.googleapis.com/token";
const METADATA_URL = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token";

/** `credentials` is the text of the JSON file; null for the machine's own account. Rejects with a GatewayError. */
export async function fetchGoogleToken(
  tools: ProviderTools,
  { name, credentials }: { name: string; credentials: JsonObject | null },
): Promise<Token> {
  if (credentials === null) return fetchOwn(tools, name);
  switch (credentials["type"]) {
    case "service_account": {
      const url = textOf(credentials["token_uri"]) || TOKEN_URL;
      const assertion = await signAssertion(name, credentials, { url, nowMs: tools.nowMs() });
      const fields = { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion };
      return requestToken(tools, { name, url, fields });
    }
    case "authorized_user": {
      const { client_id: id, client_secret: secret, refresh_token: refresh } = credentials;
      const fields = { client_id: textOf(id), client_secret: textOf(secret), refresh_token: textOf(refresh) };
      return requestToken(tools, { name, url: TOKEN_URL, fields: { grant_type: "refresh_token", ...fields } });
    }
    case "external_account":
      return fetchFederated(tools, name, credentials);
    default:
      throw refuse(
        name,
        `credentials of type ${JSON.stringify(textOf(credentials["type"]).slice(0, 40))} are not known`,
      );
  }
}

/** The credentials' JSON; null where it is none, or no object. */
export function parseCredentials(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isJsonObject(value) ? value : null;
  } catch {
    return null;
  }
}

/** On Google's machines a server that only they reach tells who they are. */
async function fetchOwn(tools: ProviderTools, name: string): Promise<Token> {
  try {
    return await readToken(name, () =>
      tools.fetch(METADATA_URL, { method: "GET", headers: { "metadata-flavor": "Google" } }),
    );
  } catch (error) {
    throw refuse(name, "it has no credentials, and this machine has no account at Google", error);
  }
}

/** What must not be said by someone who does not hold this machine: its own account, its files, and other places to sign in at than Google's. */
export function judgeCredentials(text: string | undefined): string | null {
  if (text === undefined)
    return "credentials or an api_key are needed: this machine's own account is the configuration's alone to give";
  const { type, token_uri: url } = parseCredentials(text) ?? {};
  if (type === "authorized_user") return null;
  if (type !== "service_account") return "these must be the JSON of a service account or of a login (authorized_user)";
  return url === undefined || url === TOKEN_URL ? null : `token_uri must be ${TOKEN_URL}`;
}

/** A JWT, signed with the account's key; good for an hour. https://developers.google.com/identity/protocols/oauth2/service-account */
async function signAssertion(
  name: string,
  credentials: JsonObject,
  { url, nowMs }: { url: string; nowMs: number },
): Promise<string> {
  const issuedAt = Math.floor(nowMs / 1_000);
  const header = { alg: "RS256", typ: "JWT", kid: textOf(credentials["private_key_id"]) };
  const claims = {
    iss: textOf(credentials["client_email"]),
    scope: SCOPE,
    aud: url,
    iat: issuedAt,
    exp: issuedAt + 3_600,
  };
  const payload = [header, claims].map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const { createPrivateKey, sign } = await import("node:crypto");
  try {
    const key = createPrivateKey(textOf(credentials["private_key"]));
    return `${payload}.${sign("RSA-SHA256", Buffer.from(payload), key).toString("base64url")}`;
  } catch (error) {
    throw refuse(name, "its credentials hold no private key that can be read", error);
  }
}

/** Another cloud's or a CI's own token, exchanged. https://google.aip.dev/auth/4117 */
async function fetchFederated(tools: ProviderTools, name: string, credentials: JsonObject): Promise<Token> {
  const token = await requestToken(tools, {
    name,
    url: textOf(credentials["token_url"]) || "https://sts.googleapis.com/v1/token",
    fields: {
      grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
      audience: textOf(credentials["audience"]),
      scope: SCOPE,
      requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
      subject_token_type: textOf(credentials["subject_token_type"]),
      subject_token: await readSubject(tools, name, credentials["credential_source"]),
    },
  });
  const url = textOf(credentials["service_account_impersonation_url"]);
  return url === "" ? token : impersonate(tools, { name, url, token });
}

async function readSubject(tools: ProviderTools, name: string, source: unknown): Promise<string> {
  const { file, format, headers, url } = isJsonObject(source) ? source : {};
  let text: string;
  try {
    if (typeof file === "string") text = await tools.readText(file);
    else if (typeof url === "string") {
      const given = Object.entries(isJsonObject(headers) ? headers : {}).map(([key, value]) => [key, textOf(value)]);
      const response = await tools.fetch(url, { method: "GET", headers: Object.fromEntries(given) });
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      text = await readAnswer(response);
    } else throw refuse(name, "its credentials name no file and no URL of the token to exchange");
  } catch (error) {
    throw error instanceof GatewayError ? error : refuse(name, UNREADABLE, error);
  }
  const isJson = isJsonObject(format) && format["type"] === "json";
  const token = isJson ? textOf(parseCredentials(text)?.[textOf(format["subject_token_field_name"])]) : text.trim();
  if (token === "") throw refuse(name, UNREADABLE);
  return token;
}

const UNREADABLE = "the token to exchange cannot be read";

async function impersonate(
  tools: ProviderTools,
  { name, url, token }: { name: string; url: string; token: Token },
): Promise<Token> {
  const headers = { authorization: `Bearer ${token.value}`, "content-type": "application/json" };
  const body = JSON.stringify({ scope: [SCOPE], lifetime: "3600s" });
  return readToken(name, async () => {
    const response = await tools.fetch(url, { method: "POST", headers, body });
    const answer = parseCredentials(await readAnswer(response)) ?? {};
    const lifeSeconds = Math.floor((Date.parse(textOf(answer["expireTime"])) - tools.nowMs()) / 1_000);
    const given = { access_token: answer["accessToken"] ?? null, expires_in: lifeSeconds };
    return Response.json(given, { status: response.status });
  });
}

function refuse(name: string, why: string, cause?: unknown): GatewayError {
  return new GatewayError({
    kind: "not_configured",
    message: `Provider "${name}" could not sign in at Google: ${why}. Set [provider.${name}] credentials_file or GOOGLE_APPLICATION_CREDENTIALS.`,
    cause,
  });
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
