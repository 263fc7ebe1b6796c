// Anthropic's SDKs, for Node and for Python; both add /v1 themselves. https://docs.anthropic.com/en/api/client-sdks

import { type Guide, nodeProgram, PROMPT, pythonKey, scriptKey } from "./guide.ts";

export const anthropicNode: Guide = {
  about: "Anthropic SDK for Node",
  packages: ["@anthropic-ai/sdk@1.14.0"],
  installer: "npm",
  apis: {
    messages: (gateway) =>
      nodeProgram(
        "hello.mjs",
        [
          'import Anthropic from "@anthropic-ai/sdk";',
          "",
          `const client = new Anthropic({ baseURL: "${gateway.url}", apiKey: ${scriptKey(gateway)} });`,
        ],
        [
          "const answer = await client.messages.create({",
          `  model: ${JSON.stringify(gateway.model)},`,
          "  max_tokens: 1024,",
          `  messages: [{ role: "user", content: ${JSON.stringify(PROMPT)} }],`,
          "});",
          'console.log(answer.content.find((block) => block.type === "text").text);',
        ],
      ),
  },
};

export const anthropicPython: Guide = {
  about: "Anthropic SDK for Python",
  packages: ["anthropic==2.14.0"],
  installer: "pip",
  apis: {
    messages: (gateway) => ({
      program: {
        file: "hello.py",
        setup: [
          ...(gateway.key === null ? ["import os"] : []),
          "from anthropic import Anthropic",
          "",
          `client = Anthropic(base_url="${gateway.url}", api_key=${pythonKey(gateway)})`,
        ].join("\n"),
        hello: [
          "answer = client.messages.create(",
          `    model=${JSON.stringify(gateway.model)},`,
          "    max_tokens=1024,",
          `    messages=[{"role": "user", "content": ${JSON.stringify(PROMPT)}}],`,
          ")",
          'print(next(block.text for block in answer.content if block.type == "text"))',
        ].join("\n"),
      },
      command: ["python", "hello.py"],
    }),
  },
};
