// Vertex AI: addresses by model and place, and each way to sign in, against a scripted token service.

import { describe, expect, test } from "bun:test";
import { createVerify, generateKeyPairSync } from "node:crypto";
import type { Provider } from "../../src/provider/index.ts";
import { makeProviderSettings } from "../rig.ts";
import { type Script, giveToken, openDesk } from "./sign-in.ts";

const refuse = (): never => {
  throw new Error("nothing is to be fetched");
};

function open(options: Record<string, string>, script: Script = { answer: refuse }, apiKey: string | null = null) {
  return openDesk(makeProviderSettings({ name: "vertex", kind: "vertex", apiKey, options }), script);
}

const urlOf = (provider: Provider, wire: Parameters<Provider["endpoint"]>[0], model: string, stream = false): string =>
  provider.endpoint(wire, { model, stream }).url;

describe("the address", () => {
  test.each([
    ["global", "https://aiplatform.googleapis.com"],
    ["eu", "https://aiplatform.eu.rep.googleapis.com"],
    ["us-east5", "https://us-east5-aiplatform.googleapis.com"],
  ])("in %s", (location, root) => {
    const { provider } = open({ location, project: "p-1" });
    const place = `projects/p-1/locations/${location}`;
    const gemini = `${root}/v1beta1/${place}/publishers/google/models/gemini-2.5-flash`;
    expect(urlOf(provider, "gemini", "gemini-2.5-flash")).toBe(`${gemini}:generateContent`);
    expect(urlOf(provider, "gemini", "gemini-2.5-flash", true)).toBe(`${gemini}:streamGenerateContent?alt=sse`);
    const claude = `${root}/v1/${place}/publishers/anthropic/models`;
    expect(urlOf(provider, "anthropic-messages", "claude-sonnet-4-5@20250929")).toBe(
      `${claude}/claude-sonnet-4-5@20250929:rawPredict`,
    );
    expect(urlOf(provider, "anthropic-messages", "claude-x", true)).toBe(`${claude}/claude-x:streamRawPredict`);
    expect(urlOf(provider, "anthropic-count", "claude-x")).toBe(`${claude}/count-tokens:rawPredict`);
    expect(urlOf(provider, "openai-chat", "meta/llama-4")).toBe(
      `${root}/v1/${place}/endpoints/openapi/chat/completions`,
    );
  });

  test("follows from the model: each is spoken to in its maker's format", () => {
    const { provider } = open({ project: "p" });
    expect(provider.speaks("gemini-2.5-pro")[0]).toBe("gemini");
    expect(provider.speaks("claude-opus-4-1@20250805")).toEqual(["anthropic-messages", "anthropic-count"]);
    expect(provider.speaks("deepseek-ai/deepseek-v3")).toEqual(["openai-chat"]);
    expect(provider.facts("claude-3-5-sonnet@20240620").maxOutputTokens).toBe(8_192);
  });

  test("says the model of Claude, so the body does not; the version is in the body", () => {
    const { provider } = open({ project: "p" });
    expect(provider.endpoint("anthropic-messages", { model: "claude-x", stream: false })).toMatchObject({
      remove: ["model"],
      set: { anthropic_version: "vertex-2023-10-16" },
    });
    // A count asks one address for all models.
    expect(provider.endpoint("anthropic-count", { model: "claude-x", stream: false }).remove).toBeUndefined();
  });

  test("of the express mode has no project, and a key for it", () => {
    const { provider } = open({}, { answer: refuse }, "AIza-express");
    expect(urlOf(provider, "gemini", "gemini-2.5-flash")).toBe(
      "https://aiplatform.googleapis.com/v1beta1/publishers/google/models/gemini-2.5-flash:generateContent",
    );
    expect(provider).toMatchObject({ headers: { "x-goog-api-key": "AIza-express" }, authorize: null, missing: null });
  });

  test("lacks its project until one is named", () => {
    expect(open({}).provider.missing).toBe(
      'Provider "vertex" has no project. Set [provider.vertex] project or GOOGLE_CLOUD_PROJECT and reload the gateway.',
    );
    expect(open({ credentials: '{"project_id":"from-file"}' }).provider.missing).toBeNull();
    expect(open({ credentials: "/a/path", project: "p" }).provider.missing).toContain("no JSON object");
  });
});

describe("a service account", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const credentials = JSON.stringify({
    type: "service_account",
    project_id: "p-sa",
    private_key_id: "kid-1",
    private_key: privateKey.export({ type: "pkcs8", format: "pem" }),
    client_email: "gateway@p-sa.iam.gserviceaccount.com",
    token_uri: "https://oauth2.example.com/token",
  });

  test("signs for a token of an hour, once for many calls", async () => {
    const desk = open({ credentials }, { answer: (_, turn) => giveToken(turn) });
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
    expect(desk.asked).toHaveLength(1);
    expect(desk.asked[0]?.url).toBe("https://oauth2.example.com/token");
    const form = new URLSearchParams(desk.asked[0]?.body);
    expect(form.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [header = "", claims = "", signature = ""] = (form.get("assertion") ?? "").split(".");
    const read = (part: string): unknown => JSON.parse(Buffer.from(part, "base64url").toString());
    expect(read(header)).toEqual({ alg: "RS256", typ: "JWT", kid: "kid-1" });
    expect(read(claims)).toEqual({
      iss: "gateway@p-sa.iam.gserviceaccount.com",
      scope: "https://www.googleapis.com/auth/cloud-platform",
      aud: "https://oauth2.example.com/token",
      iat: 1_700_000_000,
      exp: 1_700_003_600,
    });
    const verifier = createVerify("RSA-SHA256").update(`${header}.${claims}`);
    expect(verifier.verify(publicKey, Buffer.from(signature, "base64url"))).toBe(true);
    expect(desk.provider.endpoint("gemini", { model: "g", stream: false }).url).toContain(
      "/projects/p-sa/locations/global/",
    );
  });

  test("whose key cannot be read is not configured, and its key is in no message", async () => {
    const broken = JSON.stringify({ type: "service_account", project_id: "p", private_key: "-----BEGIN nonsense" });
    const failure = await open({ credentials: broken })
      .authorize()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({ kind: "not_configured" });
    expect(String(failure)).not.toContain("nonsense");
  });
});

test("a user's login is renewed by its refresh token", async () => {
  const credentials = JSON.stringify({
    type: "authorized_user",
    client_id: "c",
    client_secret: "s",
    refresh_token: "r",
  });
  const desk = open({ credentials, project: "p" }, { answer: (_, turn) => giveToken(turn) });
  expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
  expect(desk.asked[0]?.url).toBe("https://oauth2.googleapis.com/token");
  expect(Object.fromEntries(new URLSearchParams(desk.asked[0]?.body))).toEqual({
    grant_type: "refresh_token",
    client_id: "c",
    client_secret: "s",
    refresh_token: "r",
  });
});

test("a token service that says more than any token is long is read no further", async () => {
  const credentials = JSON.stringify({
    type: "authorized_user",
    client_id: "c",
    client_secret: "s",
    refresh_token: "r",
  });
  let pieces = 0;
  const pull = (controller: ReadableStreamDefaultController): void =>
    pieces++ > 300 ? controller.close() : controller.enqueue(new Uint8Array(16 * 1024).fill(0x20));
  const headers = { "content-length": "100", "content-encoding": "gzip" };
  const answer = (): Response => new Response(new ReadableStream({ pull }), { headers });
  const desk = open({ credentials, project: "p" }, { answer });
  await expect(desk.authorize()).rejects.toMatchObject({ kind: "upstream_unavailable" });
  expect(pieces).toBeLessThan(100);
});

test("without credentials the machine's own account signs in, if there is one", async () => {
  const desk = open({ project: "p" }, { answer: (_, turn) => giveToken(turn) });
  expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
  expect(desk.asked[0]).toEqual({
    url: "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token",
    method: "GET",
    headers: { "metadata-flavor": "Google" },
    body: "",
  });
  const elsewhere = open({ project: "p" }, { answer: () => Promise.reject(new Error("ENOTFOUND")) });
  await expect(elsewhere.authorize()).rejects.toMatchObject({
    kind: "not_configured",
    message: expect.stringContaining("this machine has no account at Google"),
  });
});

describe("another cloud's identity", () => {
  const credentials = (source: unknown, over: Record<string, string> = {}): string =>
    JSON.stringify({
      type: "external_account",
      audience: "//iam.googleapis.com/pool",
      subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
      token_url: "https://sts.example.com/v1/token",
      credential_source: source,
      ...over,
    });

  test("is exchanged, from a file that is read each time", async () => {
    const desk = open(
      { credentials: credentials({ file: "/var/run/token" }), project: "p" },
      { answer: (_, turn) => giveToken(turn), files: { "/var/run/token": "subject-1\n" } },
    );
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
    const form = new URLSearchParams(desk.asked[0]?.body);
    expect([desk.asked[0]?.url, form.get("subject_token"), form.get("audience")]).toEqual([
      "https://sts.example.com/v1/token",
      "subject-1",
      "//iam.googleapis.com/pool",
    ]);
  });

  test("may come from an address as JSON, and stand in for a service account", async () => {
    const source = {
      url: "https://ci.example.com/id",
      headers: { authorization: "bearer ci" },
      format: { type: "json", subject_token_field_name: "value" },
    };
    const url = "https://iamcredentials.example.com/sa:generateAccessToken";
    const desk = open(
      { credentials: credentials(source, { service_account_impersonation_url: url }), project: "p" },
      {
        answer(asked, turn) {
          if (asked.url === source.url) return Response.json({ value: "subject-2" });
          if (asked.url !== url) return giveToken(turn);
          return Response.json({ accessToken: "as-account", expireTime: "2023-11-14T23:13:20Z" });
        },
      },
    );
    expect(await desk.authorize()).toEqual({ authorization: "Bearer as-account" });
    expect(desk.asked.map((asked) => asked.url)).toEqual([source.url, "https://sts.example.com/v1/token", url]);
    expect(desk.asked[0]?.headers).toEqual({ authorization: "bearer ci" });
    expect(desk.asked[2]?.headers["authorization"]).toBe("Bearer token-2");
  });

  test("that is not told, is not asked with what was said instead", async () => {
    const source = { url: "https://ci.example.com/id", format: { type: "json", subject_token_field_name: "value" } };
    for (const refusal of [new Response("<html>busy", { status: 503 }), Response.json({ error: "none" })]) {
      const desk = open({ credentials: credentials(source), project: "p" }, { answer: () => refusal });
      await expect(desk.authorize()).rejects.toMatchObject({
        kind: "not_configured",
        message: expect.stringContaining("the token to exchange cannot be read"),
      });
      expect(desk.asked.map(({ url }) => url)).toEqual([source.url]);
    }
  });

  test("of an unknown kind is refused by name", async () => {
    await expect(open({ credentials: '{"type":"gopher"}', project: "p" }).authorize()).rejects.toMatchObject({
      kind: "not_configured",
      message: expect.stringContaining('credentials of type "gopher" are not known'),
    });
    await expect(open({ credentials: credentials({}), project: "p" }).authorize()).rejects.toMatchObject({
      kind: "not_configured",
    });
  });
});
