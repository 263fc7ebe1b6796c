// What a failed command says and with which code it ends. Prints nothing.

import { ConfigError, type Problem } from "../config/problem.ts";
import { type ErrorKind, GatewayError, listProblems } from "../ir/index.ts";
import { createRedactor } from "../lib/redact.ts";
import { IN_THE_LOG } from "../store/error.ts";
import { findNextStep } from "./next-step.ts";

export const EXIT = {
  conflict: 5,
  denied: 4,
  failed: 1,
  interrupted: 130,
  notFound: 3,
  ok: 0,
  unavailable: 69,
  /** The examination found errors. */
  unhealthy: 6,
  usage: 2,
} as const satisfies Record<string, number>;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const maskForms = createRedactor([]);

interface CliErrorInit {
  exitCode: ExitCode;
  /** What to do about it. */
  hint?: string | undefined;
  /** A machine's word for it; unless given, that of the exit code. */
  code?: string | undefined;
}

/** A failure with its own words: one sentence, safe to print. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  readonly code: string | undefined;

  constructor(message: string, { exitCode, hint, code }: CliErrorInit) {
    super(message);
    this.exitCode = exitCode;
    this.hint = hint;
    this.code = code;
  }
}

/** The command line itself was wrong; `usage` is printed below the message. */
export class UsageError extends CliError {
  readonly usage: string;

  constructor(message: string, { hint, usage }: { hint?: string | undefined; usage: string }) {
    super(message, { exitCode: EXIT.usage, hint });
    this.usage = usage;
  }
}

/** How a failure of this kind ends, wherever it was found out. */
export function chooseExit(kind: ErrorKind): ExitCode {
  return EXIT_BY_KIND[kind] ?? EXIT.failed;
}

/** Kinds that are not here end with 1. */
const EXIT_BY_KIND: Partial<Record<ErrorKind, ExitCode>> = {
  conflict: EXIT.conflict,
  forbidden: EXIT.denied,
  invalid_request: EXIT.usage,
  not_found: EXIT.notFound,
  overloaded: EXIT.unavailable,
  timeout: EXIT.unavailable,
  unauthenticated: EXIT.denied,
  upstream_unavailable: EXIT.unavailable,
};

export interface Failure {
  exitCode: ExitCode;
  message: string;
  hint: string | undefined;
  /** A machine's word for it. */
  code: string;
  /** Printed under the message: the command's usage, or where a defect showed itself. */
  below: string | undefined;
  /** Each thing that is wrong with a configuration. */
  problems: readonly Problem[];
}

/** Any thrown value as what to print and how to end. */
export function explainFailure(error: unknown): Failure {
  const failure = describe(error);
  // What somebody typed in the wrong place may be a key, and ends up in the log of a script.
  const { message, hint, below } = failure;
  return { ...failure, message: maskForms(message), hint: hint && maskForms(hint), below: below && maskForms(below) };
}

function describe(error: unknown): Failure {
  const none = { hint: undefined, below: undefined, problems: [] };
  if (error instanceof CliError) {
    const { exitCode, hint, message, code = nameExit(exitCode) } = error;
    const below = error instanceof UsageError ? error.usage : undefined;
    return { ...none, exitCode, message, hint, below, code };
  }
  if (error instanceof ConfigError) {
    return { ...none, exitCode: EXIT.failed, message: error.message, code: "invalid_config", problems: error.problems };
  }
  if (error instanceof GatewayError) {
    const exitCode = chooseExit(error.kind);
    const { kind, code = kind } = error;
    const others = listProblems(error).slice(1);
    const message = [tellReason(error), ...others.map((each) => `${each.path}: ${each.message}`)].join("\n");
    return { ...none, exitCode, message, hint: findNextStep(message), code };
  }
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return {
    ...none,
    exitCode: EXIT.failed,
    message: `This should not have happened. ${message}`,
    hint: "It is a defect of the program: please report it, with the lines below.",
    code: "internal",
    below: error instanceof Error ? error.stack : undefined,
  };
}

/** A command has no log, and its reader is the operator. */
function tellReason({ message, cause }: GatewayError): string {
  return cause instanceof Error ? message.replace(IN_THE_LOG, () => cause.message) : message;
}

function nameExit(exitCode: ExitCode): string {
  const name = Object.entries(EXIT).find(([, code]) => code === exitCode)?.[0] ?? "failed";
  return name.replaceAll(/[A-Z]/gu, (letter) => `_${letter.toLowerCase()}`);
}
