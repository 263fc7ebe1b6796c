// Where what is only passed on goes: every version and the uploads of a server, and the addresses that it answers with, which lead back here.

import { afterEach, expect, test } from "bun:test";
import { GoogleGenAI } from "@google/genai";
import { type Rig, makeProviderSettings, makeRig } from "../rig.ts";

const KEY = "AIza-canary-0123456789";
const HOST = "http://google.test";

let rig: Rig | null = null;
afterEach(() => rig?.close().finally(() => (rig = null)));

async function open(baseUrl = HOST): Promise<{ gateway: Rig; token: string }> {
  const google = makeProviderSettings({ name: "google", kind: "gemini", baseUrl, apiKey: KEY });
  rig = await makeRig({
    upstream({ url, headers }) {
      if (!url.includes("/upload/")) return Response.json({ name: "cachedContents/abc", model: "models/m" });
      if (!url.includes("upload_id")) {
        const where = `${HOST}/upload/v1beta/files?upload_id=abc&upload_protocol=resumable`;
        return new Response("", { headers: { "x-goog-upload-url": where, "x-elsewhere": "http://other.test/a" } });
      }
      expect(headers.get("x-goog-upload-command")).toBe("upload, finalize");
      const file = { name: "files/abc", uri: `${HOST}/v1beta/files/abc`, state: "ACTIVE" };
      return Response.json({ file }, { headers: { "x-goog-upload-status": "final" } });
    },
    config: (config) => ({ ...config, providers: [...config.providers, google] }),
  });
  const { token } = await rig.issue("gateway_user", { scopes: ["passthrough"] });
  return { gateway: rig, token };
}

test("a file is uploaded by Google's SDK through the gateway, which alone knows the provider's key", async () => {
  const { gateway, token } = await open();
  const { fetch, sockets: websocket } = gateway.app;
  const served = Bun.serve({ port: 0, fetch: (request, server) => fetch(request, server), websocket });
  try {
    const baseUrl = `http://127.0.0.1:${served.port}/passthrough/google`;
    const client = new GoogleGenAI({ apiKey: token, httpOptions: { baseUrl } });
    const file = await client.files.upload({ file: new Blob(["abc"], { type: "text/plain" }) });
    expect(file.name).toBe("files/abc");
  } finally {
    await served.stop(true);
  }
  const asked = gateway.calls.map(({ url, headers, text }) => [url, headers.get("x-goog-api-key"), text.length > 0]);
  expect(asked).toEqual([
    [expect.stringMatching(/^http:\/\/google\.test\/upload\/v1\w*\/files$/u), KEY, true],
    [`${HOST}/upload/v1beta/files?upload_id=abc&upload_protocol=resumable`, KEY, true],
  ]);
});

test.each([
  [HOST, "/v1beta/cachedContents", "/v1beta/cachedContents"],
  [HOST, "/v1alpha/auth_tokens", "/v1alpha/auth_tokens"],
  [HOST, "/cachedContents", "/v1beta/cachedContents"],
  [`${HOST}/v1`, "/v1beta/cachedContents", "/v1beta/cachedContents"],
  [`${HOST}/v1`, "/cachedContents", "/v1/cachedContents"],
  [HOST, "/upload/v1beta/files", "/upload/v1beta/files"],
])("of %s, %s is %s", async (baseUrl, path, reached) => {
  const { gateway, token } = await open(baseUrl);
  const response = await gateway.send(`/passthrough/google${path}`, { token, body: {} });
  expect([response.status, gateway.calls[0]?.url]).toEqual([200, HOST + reached]);
});

test("addresses of others stay what they are", async () => {
  const { gateway, token } = await open();
  const { headers } = await gateway.send("/passthrough/google/upload/v1beta/files", { token, body: {} });
  expect(headers.get("x-goog-upload-url")).toBe(
    "http://gateway.test/passthrough/google/upload/v1beta/files?upload_id=abc&upload_protocol=resumable",
  );
  expect(headers.get("x-elsewhere")).toBe("http://other.test/a");
});
