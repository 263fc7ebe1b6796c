// LangChain for JavaScript. https://docs.langchain.com/oss/javascript/integrations/chat

import { type Gateway, type Guide, nodeProgram, PROMPT, type Setup, scriptKey } from "./guide.ts";

const setUp = (imported: string, make: string): Setup =>
  nodeProgram(
    "hello.mjs",
    [imported, "", `const model = ${make};`],
    [`const answer = await model.invoke(${JSON.stringify(PROMPT)});`, "console.log(answer.text);"],
  );

const OPENAI = 'import { ChatOpenAI } from "@langchain/openai";';

const openai = (gateway: Gateway): string =>
  `model: ${JSON.stringify(gateway.model)}, apiKey: ${scriptKey(gateway)}, configuration: { baseURL: "${gateway.url}/v1" }`;

export const langchain: Guide = {
  about: "LangChain",
  packages: [
    "@langchain/openai@1.6.0",
    "@langchain/anthropic@1.5.11",
    "@langchain/core@1.4.0",
    "@langchain/google-genai@2.3.2",
    "zod@4.6.7",
  ],
  installer: "npm",
  apis: {
    chat: (gateway) => setUp(OPENAI, `new ChatOpenAI({ ${openai(gateway)} })`),
    responses: (gateway) => setUp(OPENAI, `new ChatOpenAI({ ${openai(gateway)}, useResponsesApi: true })`),
    messages: (gateway) =>
      setUp(
        'import { ChatAnthropic } from "@langchain/anthropic";',
        `new ChatAnthropic({ model: ${JSON.stringify(gateway.model)}, apiKey: ${scriptKey(gateway)}, anthropicApiUrl: "${gateway.url}" })`,
      ),
    gemini: (gateway) =>
      setUp(
        'import { ChatGoogleGenerativeAI } from "@langchain/google-genai";',
        `new ChatGoogleGenerativeAI({ model: ${JSON.stringify(gateway.model)}, apiKey: ${scriptKey(gateway)}, baseUrl: "${gateway.url}" })`,
      ),
  },
};
