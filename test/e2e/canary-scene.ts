// A gateway each of whose neighbours has a secret, and neighbours that give away whatever they are told: providers that quote keys in errors, webhooks that
// quote their own address, a mail server and an identity provider. Knows no test.

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { LOCAL_CERTIFICATE, LOCAL_PRIVATE_KEY } from "../config/tls.ts";
import { type MailServer, openMailServer } from "../mail-server.ts";
import { CLIENT, type Idp, openIdp } from "../server/sign-in/oidc-scene.ts";
import { makeFolder } from "./binary.ts";
import type { Watch } from "./canary-watch.ts";
import { type Received, startUpstream, type Upstream } from "./upstream.ts";

/** Where people are told to come back to by the identity provider; nobody listens there. */
export const PUBLIC_URL = "http://127.0.0.1:8081";
/** By what a model is called, what comes of asking it. */
export const MOODS = ["fine", "quote", "quote-text", "cut", "hang"] as const;

const PRICES = { name: "own", date: "2026-10-01", prices: [{ model: "none", input: "1.25", output: 5 }] };
const fresh = (name: string): string => `Zq7-${name}-${crypto.randomUUID().replaceAll("-", "")}`;

export interface Neighbours {
  provider: Upstream;
  webhook: Upstream;
  mail: MailServer;
  idp: Idp;
  /** Of `[provider.acme]`, which is added while the gateway runs. */
  liveKeys: [string, string];
  folder: string;
  config: string;
  env: Record<string, string>;
  close(): Promise<void>;
}

export async function openNeighbours(watch: Watch, more: string): Promise<Neighbours> {
  const folder = makeFolder();
  mkdirSync(join(folder, "tmp"));
  await Bun.write(join(folder, "ca.pem"), LOCAL_CERTIFICATE);
  const keep = (name: string): string => watch.keep(name, fresh(name), ["config/setting.ini"]);
  const smtpPassword = keep("smtp-password");
  const provider = startUpstream(answerAsked);
  const webhook = startUpstream(({ path }) => Response.json({ error: `no hook at ${path}` }, { status: 500 }));
  let asked = 0;
  const lists = Bun.serve({
    port: 0,
    tls: { key: LOCAL_PRIVATE_KEY, cert: LOCAL_CERTIFICATE },
    fetch({ url }) {
      if (!url.includes("/list")) return Response.json({ services: [] });
      // The first time it is refused, which is told.
      return asked++ === 0 ? new Response("gone", { status: 410 }) : Response.json(PRICES);
    },
  });
  const mail = await openMailServer(smtpPassword, { key: LOCAL_PRIVATE_KEY, cert: LOCAL_CERTIFICATE });
  const idp = await openIdp();
  watch.keep("oidc-client-secret", CLIENT.secret, ["config/setting.ini"]);
  const config = [
    "log_level = debug",
    "log_file_daemon = logs/daemon.log",
    "log_file_cli = logs/cli.log",
    `public_url = ${PUBLIC_URL}`,
    "capture = on",
    "allow_private_providers = yes",
    "max_attempts = 2",
    "retry_backoff = 1ms",
    "upstream_header_timeout = 400ms",
    "ledger_sign_interval = 1s",
    "ledger_anchor_interval = 1s",
    `ledger_anchor = ${webhook.url}/anchor/${keep("anchor-webhook")}, put+${webhook.url}/${keep("anchor-store")}/{seq}`,
    `budget_alerts = log, ${webhook.url}/alert?token=${keep("alert-webhook")}, http://127.0.0.1:1/${keep("dead-webhook")}`,
    `price_file = https://ann:${keep("list-password")}@localhost:${lists.port}/list.json?signed=${keep("list-query")}`,
    `market_price_file = https://localhost:${lists.port}/services?token=${keep("market-query")}`,
    `smtp_host = localhost`,
    `smtp_port = ${mail.port}`,
    `smtp_username = gate@example.com`,
    `smtp_password = ${smtpPassword}`,
    `oidc_issuer = ${idp.issuer}`,
    `oidc_client_id = ${CLIENT.id}`,
    `oidc_client_secret = ${CLIENT.secret}`,
    "oidc_domains = example.com",
    "oidc_users = create",
    `openai_api_key = ${keep("openai-key")}`,
    `openai_base_url = ${provider.url}/v1`,
    `anthropic_api_key = ${keep("anthropic-key")}`,
    `anthropic_base_url = ${provider.url}`,
    more,
    "[provider.gemini]",
    "type = gemini",
    `base_url = ${provider.url}/v1beta`,
    `api_key = ${keep("gemini-key")}`,
    "[provider.pool]",
    "type = compatible",
    `base_url = ${provider.url}/v1`,
    `api_key.a = ${keep("pool-key-a")}`,
    `api_key.b = ${keep("pool-key-b")}`,
  ];
  return {
    provider,
    webhook,
    mail,
    idp,
    liveKeys: [watch.keep("live-key", fresh("live-key")), watch.keep("second-live-key", fresh("second-live-key"))],
    folder,
    config: `${config.join("\n")}\n`,
    env: {
      TMPDIR: join(folder, "tmp"),
      NODE_EXTRA_CA_CERTS: join(folder, "ca.pem"),
      TOKLIGENCE_KEY: watch.keep("TOKLIGENCE_KEY", `tok_${fresh("environment").slice(0, 43)}`),
    },
    close: async () =>
      void (await Promise.all([provider.stop(), webhook.stop(), mail.close(), idp.close(), lists.stop(true)])),
  };
}

function answerAsked({ path, headers, body }: Received): Response | Promise<Response> {
  const key = (
    headers.get("authorization")?.replace("Bearer ", "") ??
    headers.get("x-api-key") ??
    headers.get("x-goog-api-key") ??
    "none"
  ).trim();
  const model = `${String(body["model"])} ${path}`;
  const isStream = body["stream"] === true || path.includes("streamGenerate");
  // What a provider's answer says beside its body is nobody's business either.
  const loose = { "x-your-key": key, "set-cookie": `key=${key}`, "x-request-id": `for-${key}` };
  if (model.includes("hang")) return new Promise(() => undefined);
  if (model.includes("quote-text")) {
    const text = `<p>${key} is no key of ours; nor is ${encodeURIComponent(key)}, Authorization: Bearer ${key}</p>`;
    return new Response(text, { status: 500, headers: { ...loose, "content-type": "text/html" } });
  }
  if (model.includes("quote")) {
    const error = {
      message: `Incorrect API key provided: ${key}`,
      type: "invalid_request_error",
      param: key,
      code: key,
    };
    return Response.json({ type: "error", error }, { status: 401, headers: loose });
  }
  const broken = { type: "error", error: { message: `the key ${key} ends here`, type: "overloaded_error", code: 503 } };
  if (model.includes("cut") && !isStream) return Response.json(broken, { headers: loose });
  const whole = printWhole(path);
  if (!isStream) return Response.json(whole, { headers: loose });
  const frames = [...printFrames(path, whole), ...(model.includes("cut") ? [broken] : [])].map(
    (frame) => `${"type" in frame ? `event: ${String(frame.type)}\n` : ""}data: ${JSON.stringify(frame)}\n\n`,
  );
  const end = path.endsWith("/chat/completions") && !model.includes("cut") ? "data: [DONE]\n\n" : "";
  return new Response(`${frames.join("")}${end}`, { headers: { ...loose, "content-type": "text/event-stream" } });
}

const USAGE = { prompt_tokens: 9, completion_tokens: 3, total_tokens: 12 };
const OUTPUT = [
  {
    id: "msg_1",
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: "Hello", annotations: [] }],
  },
];

function printWhole(path: string): Record<string, unknown> {
  if (path.endsWith("/embeddings")) {
    const data = [{ object: "embedding", index: 0, embedding: [0.5, 0.25] }];
    return { object: "list", model: "m", data, usage: { prompt_tokens: 2, total_tokens: 2 } };
  }
  if (path.endsWith("/responses")) {
    const usage = { input_tokens: 9, output_tokens: 3, total_tokens: 12 };
    return { id: "resp_1", object: "response", created_at: 1, status: "completed", model: "m", output: OUTPUT, usage };
  }
  if (path.endsWith("/messages")) {
    const content = [{ type: "text", text: "Hello" }];
    const usage = { input_tokens: 9, output_tokens: 3 };
    return { id: "msg_1", type: "message", role: "assistant", model: "m", content, stop_reason: "end_turn", usage };
  }
  if (path.includes("enerateContent")) {
    const content = { role: "model", parts: [{ text: "Hello" }] };
    const usageMetadata = { promptTokenCount: 9, candidatesTokenCount: 3, totalTokenCount: 12 };
    return { candidates: [{ content, finishReason: "STOP", index: 0 }], usageMetadata, modelVersion: "m" };
  }
  const message = { role: "assistant", content: "Hello" };
  const choices = [{ index: 0, message, text: "Hello", finish_reason: "stop" }];
  return { id: "c", object: "chat.completion", created: 1, model: "m", choices, usage: USAGE };
}

function printFrames(path: string, whole: Record<string, unknown>): Record<string, unknown>[] {
  if (path.endsWith("/responses")) {
    return [
      { type: "response.created", sequence_number: 0, response: { ...whole, status: "in_progress", output: [] } },
      { type: "response.output_item.added", sequence_number: 1, output_index: 0, item: { ...OUTPUT[0], content: [] } },
      {
        type: "response.output_text.delta",
        sequence_number: 2,
        output_index: 0,
        item_id: "msg_1",
        content_index: 0,
        delta: "Hello",
      },
      { type: "response.completed", sequence_number: 3, response: whole },
    ];
  }
  if (path.endsWith("/messages")) {
    return [
      { type: "message_start", message: { ...whole, content: [], stop_reason: null } },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hello" } },
      { type: "content_block_stop", index: 0 },
      { type: "message_delta", delta: { stop_reason: "end_turn" }, usage: { output_tokens: 3 } },
      { type: "message_stop" },
    ];
  }
  if (path.includes("enerateContent")) return [whole];
  const chunk = { id: "c", object: "chat.completion.chunk", created: 1, model: "m" };
  return [
    { ...chunk, choices: [{ index: 0, delta: { role: "assistant", content: "Hello" }, finish_reason: null }] },
    { ...chunk, choices: [{ index: 0, delta: {}, finish_reason: "stop" }], usage: USAGE },
  ];
}
