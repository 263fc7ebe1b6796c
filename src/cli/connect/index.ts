// The table of clients that are known to connect: one line each.

import { agents } from "./agents.ts";
import { aiSdk } from "./ai-sdk.ts";
import { anthropicNode, anthropicPython } from "./anthropic.ts";
import { claudeCode } from "./claude-code.ts";
import { cline } from "./cline.ts";
import { codex } from "./codex.ts";
import { continueCli } from "./continue.ts";
import { copilot } from "./copilot.ts";
import { curl } from "./curl.ts";
import { geminiCli } from "./gemini-cli.ts";
import { genai } from "./genai.ts";
import { grok } from "./grok.ts";
import type { Guide } from "./guide.ts";
import { kilo } from "./kilo.ts";
import { langchain } from "./langchain.ts";
import { llamaindex } from "./llamaindex.ts";
import { openaiNode, openaiPython } from "./openai.ts";
import { opencode } from "./opencode.ts";
import { pi } from "./pi.ts";
import { promptfoo } from "./promptfoo.ts";
import { qwen } from "./qwen.ts";

export const GUIDES = {
  agents,
  "ai-sdk": aiSdk,
  "anthropic-node": anthropicNode,
  "anthropic-python": anthropicPython,
  "claude-code": claudeCode,
  cline,
  codex,
  continue: continueCli,
  copilot,
  curl,
  "gemini-cli": geminiCli,
  genai,
  grok,
  kilo,
  langchain,
  llamaindex,
  "openai-node": openaiNode,
  "openai-python": openaiPython,
  opencode,
  pi,
  promptfoo,
  qwen,
} as const satisfies Record<string, Guide>;

export type ClientName = keyof typeof GUIDES;
