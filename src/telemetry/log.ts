// The log: one line an event, pretty for people at a terminal and JSON for everything else; secrets, and what would steer a terminal, taken out at the sink.
// Knows nothing of requests; whoever logs brings the fields.

import { type ConsolaReporter, createConsola } from "consola/core";
import type { Redact } from "../lib/redact.ts";
import { escapeUnseen } from "../lib/unseen.ts";

export type LogFields = Readonly<Record<string, unknown>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  setLevel(level: LogLevel): void;
}

export type LogLevel = "debug" | "error" | "info" | "warn";

const LEVELS = { debug: 4, error: 0, info: 3, warn: 1 } as const satisfies Record<LogLevel, number>;

interface LogInit {
  level: LogLevel;
  /** Colours and short times on the terminal instead of JSON. */
  pretty: boolean;
  /** Where lines for the terminal go. */
  write: (line: string) => void;
  /** Where JSON lines are kept beside that, or null. */
  keep: ((line: string) => void) | null;
  /** Of every line. */
  fields?: LogFields;
  redact: Redact;
  now: () => Date;
}

export function createLog(init: LogInit): Log {
  const consola = createConsola({ throttle: 0, level: LEVELS[init.level], reporters: [makeReporter(init)] });
  const emit =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      // Before anything is built: the request path logs at debug, and mostly nobody listens.
      if (LEVELS[level] > consola.level) return;
      consola[level]({ message, args: [fields] });
    };
  return {
    debug: emit("debug"),
    error: emit("error"),
    info: emit("info"),
    warn: emit("warn"),
    setLevel(level) {
      consola.level = LEVELS[level];
    },
  };
}

function makeReporter(init: LogInit): ConsolaReporter {
  return {
    log(entry) {
      const [message, own] = readArguments(entry.args);
      const fields = init.fields === undefined ? own : { ...init.fields, ...own };
      const time = init.now();
      const json = escapeUnseen(init.redact(JSON.stringify({ time, level: entry.type, message, ...flatten(fields) })));
      init.keep?.(`${json}\n`);
      init.write(init.pretty ? `${init.redact(prettify(time, entry.type, message, fields))}\n` : `${json}\n`);
    },
  };
}

function readArguments(args: unknown[]): [message: string, fields: LogFields] {
  const fields = args.find((item): item is LogFields => typeof item === "object" && item !== null) ?? {};
  const message = args.find((item) => typeof item === "string") ?? "";
  return [message, fields];
}

/** Errors as text with their causes: JSON has no form for them. */
function flatten(fields: LogFields): Record<string, unknown> {
  const flat: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    flat[name] = value instanceof Error ? explainError(value) : value;
  }
  return flat;
}

export function explainError(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === "string" ? error : (JSON.stringify(error) ?? String(error));
  const own = `${error.name}: ${error.message}`;
  return error.cause === undefined ? own : `${own} ← ${explainError(error.cause)}`;
}

const COLOURS: Record<string, string> = {
  debug: "\u001B[2m",
  error: "\u001B[31m",
  info: "\u001B[36m",
  warn: "\u001B[33m",
};

function prettify(time: Date, level: string, message: string, fields: LogFields): string {
  const extras = Object.entries(flatten(fields)).map(([name, value]) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    return `\u001B[2m${name}=\u001B[0m${escapeUnseen(text)}`;
  });
  const clock = time.toISOString().slice(11, 23);
  const head = `\u001B[2m${clock}\u001B[0m ${COLOURS[level] ?? ""}${level.padEnd(5)}\u001B[0m`;
  return [head, escapeUnseen(message), ...extras].join(" ");
}
