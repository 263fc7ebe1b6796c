// curl: one call of each format, streamed where the format has it both ways.

import { type Gateway, type Guide, PROMPT, type Setup, shellKey } from "./guide.ts";

const post = (url: string, header: string, body: unknown): Setup => ({
  command: ["curl", "-sS", url, "-H", header, "-H", "content-type: application/json", "-d", JSON.stringify(body)],
});

const bearer = (gateway: Gateway): string => `authorization: Bearer ${shellKey(gateway)}`;

const MESSAGES = [{ role: "user", content: PROMPT }];

export const curl: Guide = {
  about: "curl",
  packages: [],
  installer: "none",
  apis: {
    chat: (gateway) =>
      post(`${gateway.url}/v1/chat/completions`, bearer(gateway), { model: gateway.model, messages: MESSAGES }),
    responses: (gateway) =>
      post(`${gateway.url}/v1/responses`, bearer(gateway), { model: gateway.model, input: PROMPT }),
    messages: (gateway) =>
      post(`${gateway.url}/v1/messages`, `x-api-key: ${shellKey(gateway)}`, {
        model: gateway.model,
        max_tokens: 1024,
        messages: MESSAGES,
      }),
    gemini: (gateway) =>
      post(`${gateway.url}/v1beta/models/${gateway.model}:generateContent`, `x-goog-api-key: ${shellKey(gateway)}`, {
        contents: [{ role: "user", parts: [{ text: PROMPT }] }],
      }),
  },
};
