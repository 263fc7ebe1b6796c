// LlamaIndex for TypeScript; its Anthropic package takes the address from the environment only. https://developers.llamaindex.ai/typescript

import { type Guide, nodeProgram, PROMPT, shellKey, scriptKey } from "./guide.ts";

const HELLO = [
  `const answer = await llm.chat({ messages: [{ role: "user", content: ${JSON.stringify(PROMPT)} }] });`,
  "console.log(answer.message.content);",
];

export const llamaindex: Guide = {
  about: "LlamaIndex",
  packages: ["llamaindex@0.12.1", "@llamaindex/anthropic@0.3.26", "@llamaindex/openai@0.4.22", "zod@4.6.7"],
  installer: "npm",
  apis: {
    chat: (gateway) =>
      nodeProgram(
        "hello.mjs",
        [
          'import { OpenAI } from "@llamaindex/openai";',
          "",
          `const llm = new OpenAI({ model: ${JSON.stringify(gateway.model)}, apiKey: ${scriptKey(gateway)}, baseURL: "${gateway.url}/v1", supportToolCall: true });`,
        ],
        HELLO,
      ),
    messages: (gateway) => ({
      env: { ANTHROPIC_BASE_URL: gateway.url, ANTHROPIC_API_KEY: shellKey(gateway) },
      ...nodeProgram(
        "hello.mjs",
        [
          'import { Anthropic } from "@llamaindex/anthropic";',
          "",
          `const llm = new Anthropic({ model: ${JSON.stringify(gateway.model)} });`,
        ],
        HELLO,
      ),
    }),
  },
};
