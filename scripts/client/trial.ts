// How each client is run without a person at the keyboard: what its command takes besides the lines that `tokligence connect` prints, and how
// its shell tool is called. Programs have a tool loop of their own in loop.ts. Knows no gateway.

import type { ClientName } from "../../src/cli/connect/index.ts";

export interface Trial {
  /** Added to the command's end. */
  args?: readonly string[];
  /** Nothing is to leave the machine. */
  env?: Readonly<Record<string, string>>;
  files?: Readonly<Record<string, string>>;
  /** The client's own tool that runs a command; null where the client has none. */
  callTool: ((command: string) => string) | null;
  /** For one conversation. */
  seconds: number;
}

const call =
  (tool: string, more: object = {}) =>
  (command: string): string =>
    `call:${tool} ${JSON.stringify({ command, ...more })}`;

const AGENT = { seconds: 90 } as const;

/** Clients that are not here run a program. */
export const TRIALS: Partial<Record<ClientName, Trial>> = {
  "claude-code": {
    ...AGENT,
    args: ["--allowedTools", "Bash"],
    env: { CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1" },
    callTool: call("Bash", { description: "adds" }),
  },
  cline: {
    ...AGENT,
    args: ["--json", "--auto-approve", "true"],
    callTool: (command) => `call:run_commands ${JSON.stringify({ commands: [command] })}`,
  },
  codex: {
    ...AGENT,
    args: [
      "--dangerously-bypass-approvals-and-sandbox",
      "-c",
      "analytics.enabled=false",
      "-c",
      "check_for_update_on_startup=false",
    ],
    callTool: (command) => `call:exec_command ${JSON.stringify({ cmd: command })}`,
  },
  continue: { ...AGENT, args: ["--auto"], env: { CONTINUE_TELEMETRY_ENABLED: "0" }, callTool: call("Bash") },
  copilot: { ...AGENT, args: ["-s", "--allow-all-tools"], callTool: call("bash", { description: "adds" }) },
  curl: { seconds: 20, callTool: null },
  "gemini-cli": {
    ...AGENT,
    args: ["--yolo"],
    callTool: call("run_shell_command", { description: "adds" }),
  },
  grok: { ...AGENT, callTool: call("bash") },
  kilo: {
    ...AGENT,
    env: { KILO_TELEMETRY_LEVEL: "off", KILO_DISABLE_MODELS_FETCH: "1" },
    callTool: call("bash", { description: "adds" }),
  },
  opencode: {
    ...AGENT,
    env: { OPENCODE_DISABLE_MODELS_FETCH: "1", OPENCODE_DISABLE_AUTOUPDATE: "1" },
    callTool: call("bash", { description: "adds" }),
  },
  pi: { ...AGENT, env: { PI_OFFLINE: "1", PI_TELEMETRY: "0" }, callTool: call("bash") },
  promptfoo: {
    seconds: 180,
    args: ["--no-table", "-o", "out.json"],
    env: {
      PROMPTFOO_DISABLE_TELEMETRY: "1",
      PROMPTFOO_DISABLE_UPDATE: "1",
      PROMPTFOO_DISABLE_REMOTE_GENERATION: "true",
      PROMPTFOO_DISABLE_SHARING: "1",
    },
    callTool: null,
  },
  qwen: {
    ...AGENT,
    args: ["--approval-mode", "yolo"],
    files: {
      "~/.qwen/settings.json": JSON.stringify({
        privacy: { usageStatisticsEnabled: false },
        telemetry: { enabled: false },
        general: { disableAutoUpdate: true },
      }),
    },
    // What ends at once is sometimes taken for silent.
    callTool: (command) =>
      call("run_shell_command", { description: "adds", is_background: false })(`${command}; sleep 1`),
  },
};
