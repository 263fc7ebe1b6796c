// OpenAI's Agents SDK; its traces would go to OpenAI, so they are off. https://openai.github.io/openai-agents-js

import { type Gateway, type Guide, nodeProgram, PROMPT, type Setup, scriptKey } from "./guide.ts";

const setUp =
  (useResponses: boolean) =>
  (gateway: Gateway): Setup =>
    nodeProgram(
      "hello.mjs",
      [
        'import { Agent, OpenAIProvider, Runner, setTracingDisabled } from "@openai/agents";',
        "",
        "setTracingDisabled(true);",
        "const modelProvider = new OpenAIProvider({",
        `  baseURL: "${gateway.url}/v1",`,
        `  apiKey: ${scriptKey(gateway)},`,
        `  useResponses: ${useResponses},`,
        "});",
        "const runner = new Runner({ modelProvider });",
      ],
      [
        `const agent = new Agent({ name: "Greeter", model: ${JSON.stringify(gateway.model)} });`,
        `const result = await runner.run(agent, ${JSON.stringify(PROMPT)});`,
        "console.log(result.finalOutput);",
      ],
    );

export const agents: Guide = {
  about: "OpenAI Agents SDK",
  packages: ["@openai/agents@0.20.0", "openai@7.57.0", "zod@4.6.7"],
  installer: "npm",
  apis: { responses: setUp(true), chat: setUp(false) },
};
