// Azure: addresses of both interfaces, deployments, and the two ways to prove who asks.

import { describe, expect, test } from "bun:test";
import { makeProviderSettings } from "../rig.ts";
import { giveToken, openDesk, until } from "./sign-in.ts";

const KEYED = makeProviderSettings({
  name: "azure",
  kind: "azure",
  baseUrl: "https://res.openai.azure.com",
  apiKey: "azure-key",
  apiKeyNames: ["AZURE_OPENAI_API_KEY"],
});
const refuse = (): never => {
  throw new Error("nothing is to be fetched");
};
const where = (
  options: Record<string, string>,
  wire: "openai-chat" | "openai-embeddings" | "openai-responses",
  model = "gpt-4.1",
) => openDesk({ ...KEYED, options }, { answer: refuse }).provider.endpoint(wire, { model, stream: false });

describe("the address", () => {
  test("of the interface without dates: the deployment is the model", () => {
    expect(where({}, "openai-chat").url).toBe("https://res.openai.azure.com/openai/v1/chat/completions");
    expect(where({}, "openai-responses").url).toBe("https://res.openai.azure.com/openai/v1/responses");
    expect(where({}, "openai-embeddings")).toEqual({ url: "https://res.openai.azure.com/openai/v1/embeddings" });
    expect(where({ api_version: "preview" }, "openai-chat").url).toEndWith(
      "/openai/v1/chat/completions?api-version=preview",
    );
  });

  test("of a dated one: the deployment is in it, but for Responses", () => {
    const options = { api_version: "2024-10-21" };
    const root = "https://res.openai.azure.com/openai";
    expect(where(options, "openai-chat", "my gpt").url).toBe(
      `${root}/deployments/my%20gpt/chat/completions?api-version=2024-10-21`,
    );
    expect(where(options, "openai-embeddings", "e").url).toBe(
      `${root}/deployments/e/embeddings?api-version=2024-10-21`,
    );
    expect(where(options, "openai-responses").url).toBe(`${root}/responses?api-version=2024-10-21`);
  });

  test("may be written with the interface's path", () => {
    const { provider } = openDesk({ ...KEYED, baseUrl: "https://res.openai.azure.com/openai/v1" }, { answer: refuse });
    expect(provider.endpoint("openai-chat", { model: "m", stream: false }).url).toBe(
      "https://res.openai.azure.com/openai/v1/chat/completions",
    );
  });

  test("names the deployment that serves a model", () => {
    const options = { deployments: "gpt-5=>prod-five,embed=>vectors" };
    expect(where(options, "openai-chat", "gpt-5").set).toEqual({ model: "prod-five" });
    expect(where(options, "openai-chat", "other").set).toBeUndefined();
    expect(where({ ...options, api_version: "2024-10-21" }, "openai-chat", "gpt-5").url).toContain(
      "/deployments/prod-five/",
    );
    const { provider } = openDesk({ ...KEYED, options }, { answer: refuse });
    expect(provider.knownModels.map(({ id }) => id)).toEqual(["gpt-5", "embed"]);
    // What is known of the model holds, whatever its deployment is called.
    expect(provider.facts("gpt-5").refuses).toContain("temperature");
  });

  test("of Claude, which Foundry serves in its maker's format", () => {
    const { provider } = openDesk(KEYED, { answer: refuse });
    expect(provider.speaks("claude-sonnet-4-5")).toEqual(["anthropic-messages"]);
    expect(provider.endpoint("anthropic-messages", { model: "claude-sonnet-4-5", stream: true })).toMatchObject({
      url: "https://res.openai.azure.com/anthropic/v1/messages",
      headers: { "x-api-key": "azure-key", "anthropic-version": "2023-06-01" },
    });
    expect(provider.facts("claude-3-5-sonnet").maxOutputTokens).toBe(8_192);
  });
});

test("a key goes into its own header, and nothing is fetched for it", async () => {
  const { provider } = openDesk(KEYED, { answer: refuse });
  expect(provider.headers).toEqual({ "api-key": "azure-key" });
  expect(provider.authorize).toBeNull();
  expect(provider.missing).toBeNull();
});

describe("an application of Entra ID", () => {
  const options = {
    authority: "https://login.example.com",
    tenant_id: "tenant-1",
    client_id: "client-1",
    client_secret: "secret/1&x",
    scope: "https://cognitiveservices.azure.com/.default",
  };
  const settings = { ...KEYED, apiKey: null, options };

  test("gets a token by its secret, once for many calls, and anew before it ends", async () => {
    const desk = openDesk(settings, { answer: (_, turn) => giveToken(turn) });
    expect(desk.provider.missing).toBeNull();
    expect(desk.provider.headers).toEqual({});
    const together = await Promise.all([desk.authorize(), desk.authorize()]);
    expect(together).toEqual([{ authorization: "Bearer token-1" }, { authorization: "Bearer token-1" }]);
    expect(desk.asked).toHaveLength(1);
    expect(desk.asked[0]).toMatchObject({
      url: "https://login.example.com/tenant-1/oauth2/v2.0/token",
      method: "POST",
      headers: { "content-type": "application/x-www-form-urlencoded" },
    });
    expect(Object.fromEntries(new URLSearchParams(desk.asked[0]?.body))).toEqual({
      grant_type: "client_credentials",
      client_id: "client-1",
      client_secret: "secret/1&x",
      scope: "https://cognitiveservices.azure.com/.default",
    });
    desk.passMs(50 * 60_000);
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
    desk.passMs(6 * 60_000);
    await until(async () => (await desk.authorize())["authorization"] === "Bearer token-2");
    expect(desk.asked).toHaveLength(2);
    desk.passMs(59 * 60_000 + 30_000);
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-3" });
  });

  test("gets the next token in time also where the clock is set back or forward meanwhile", async () => {
    const desk = openDesk(settings, { answer: (_, turn) => giveToken(turn) });
    await desk.authorize();
    desk.setBackMs(2 * 3_600_000);
    desk.passMs(59 * 60_000 + 30_000);
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-2" });
    // A machine that slept: what counts on does not know.
    desk.setBackMs(-3_600_000);
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-3" });
  });

  test("waits for no token service as long as its token holds", async () => {
    const { promise: never, reject } = Promise.withResolvers<Response>();
    const desk = openDesk(settings, { answer: (_, turn) => (turn === 1 ? giveToken(1) : never) });
    await desk.authorize();
    desk.passMs(56 * 60_000);
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
    desk.passMs(3 * 60_000 + 30_000);
    const last = desk.authorize();
    reject(new Error("cut"));
    expect(await last).toEqual({ authorization: "Bearer token-1" });
    expect(desk.asked).toHaveLength(2);
  });

  test("keeps a token that still holds where the next cannot be had, and then says so", async () => {
    const desk = openDesk(settings, {
      answer: (_, turn) => (turn === 1 ? giveToken(1) : new Response("busy", { status: 503 })),
    });
    await desk.authorize();
    desk.passMs(57 * 60_000);
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
    desk.passMs(2 * 60_000 + 30_000);
    expect(await desk.authorize()).toEqual({ authorization: "Bearer token-1" });
    desk.passMs(30_000);
    await expect(desk.authorize()).rejects.toMatchObject({ kind: "upstream_unavailable" });
  });

  test("that is refused is not configured; the secret is in no message", async () => {
    const answer = () =>
      Response.json({ error: "invalid_client", error_description: "AADSTS7000215: secret/1&x" }, { status: 401 });
    const failure = await openDesk(settings, { answer })
      .authorize()
      .catch((error: unknown) => error);
    expect(failure).toMatchObject({
      kind: "not_configured",
      message:
        'Provider "azure" could not sign in: its token service answered HTTP 401, invalid_client. Check its credentials.',
    });
  });

  test("of which a part is missing is named", () => {
    const partly = openDesk(
      { ...settings, options: { ...options, client_secret: undefined as never } },
      { answer: refuse },
    );
    expect(partly.provider.missing).toBe(
      'Provider "azure" has no API key. Set AZURE_OPENAI_API_KEY, or beside the others client_secret and reload the gateway.',
    );
    const bare = openDesk({ ...KEYED, apiKey: null }, { answer: refuse });
    expect(bare.provider.missing).toBe(
      'Provider "azure" has no API key. Set AZURE_OPENAI_API_KEY and reload the gateway.',
    );
  });
});
