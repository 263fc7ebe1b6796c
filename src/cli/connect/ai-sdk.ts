// Vercel's AI SDK with the provider package of each format. https://ai-sdk.dev/docs

import { type Api, type Gateway, type Guide, nodeProgram, PROMPT, type Setup, scriptKey } from "./guide.ts";
import { AI_SDK } from "./opencode.ts";

/** What makes a model in each provider package. */
const MAKERS: Readonly<Record<Api, readonly [create: string, model: string]>> = {
  chat: ["createOpenAICompatible", "tokligence"],
  gemini: ["createGoogleGenerativeAI", "tokligence"],
  messages: ["createAnthropic", "tokligence"],
  responses: ["createOpenAI", "tokligence.responses"],
};

const setUp =
  (api: Api) =>
  (gateway: Gateway): Setup => {
    const [npm, path] = AI_SDK[api];
    const [create, model] = MAKERS[api];
    const more = api === "chat" ? ', name: "tokligence", includeUsage: true' : "";
    return nodeProgram(
      "hello.mjs",
      [
        `import { ${create} } from "${npm}";`,
        'import { generateText } from "ai";',
        "",
        `const tokligence = ${create}({ baseURL: "${gateway.url}${path}", apiKey: ${scriptKey(gateway)}${more} });`,
        `const model = ${model}(${JSON.stringify(gateway.model)});`,
      ],
      [`const answer = await generateText({ model, prompt: ${JSON.stringify(PROMPT)} });`, "console.log(answer.text);"],
    );
  };

export const aiSdk: Guide = {
  about: "Vercel AI SDK",
  packages: [
    "ai@7.0.173",
    "@ai-sdk/anthropic@4.0.105",
    "@ai-sdk/google@4.0.121",
    "@ai-sdk/openai@4.0.118",
    "@ai-sdk/openai-compatible@3.0.92",
    "zod@4.6.7",
  ],
  installer: "npm",
  apis: { chat: setUp("chat"), responses: setUp("responses"), messages: setUp("messages"), gemini: setUp("gemini") },
};
