// Calls from one thread to another: methods by name, answers and failures by message. Knows no method.

import { type ErrorKind, GatewayError } from "../../ir/index.ts";

type Methods = Readonly<Record<string, (...args: never[]) => unknown>>;

interface Call {
  id: number;
  name: string;
  args: unknown[];
}

/** Without a kind it is a defect or the machine's fault, whose words are for the log alone. */
interface Failure {
  kind: ErrorKind | null;
  message: string;
  code?: string | undefined;
  param?: string | undefined;
}

type Answer = { id: number; result: unknown } | { id: number; failure: Failure };

interface Port {
  postMessage(message: unknown, transfer?: Bun.Transferable[]): void;
}

/** Answers a message with what the method says. Bytes are handed over, not copied. */
export async function answerCall(port: Port, methods: Methods, { id, name, args }: Call): Promise<void> {
  try {
    const method = methods[name] as ((...args: unknown[]) => unknown) | undefined;
    if (method === undefined) throw new Error(`There is no method ${name}.`);
    const result = await method(...args);
    port.postMessage({ id, result } satisfies Answer, listBytes(result));
  } catch (error) {
    port.postMessage({ id, failure: describe(error) } satisfies Answer);
  }
}

function listBytes(result: unknown): ArrayBuffer[] {
  if (typeof result !== "object" || result === null || !("bytes" in result) || !(result.bytes instanceof Uint8Array))
    return [];
  return result.bytes.buffer instanceof ArrayBuffer ? [result.bytes.buffer] : [];
}

function describe(error: unknown): Failure {
  if (error instanceof GatewayError)
    return { kind: error.kind, message: error.message, code: error.code, param: error.param };
  return { kind: null, message: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

function revive({ kind, message, code, param }: Failure): Error {
  return kind === null ? new Error(message) : new GatewayError({ kind, message, code, param });
}

export interface Caller {
  call<T>(name: string, ...args: unknown[]): Promise<T>;
  /** Gives an answer to whoever waits for it. */
  settle(answer: unknown): void;
  /** Nobody will answer any more. */
  fail(error: Error): void;
}

/** Ports among the arguments go along. */
export function createCaller(post: (message: unknown, ports: MessagePort[]) => void): Caller {
  const waiting = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let last = 0;
  return {
    call(name, ...args) {
      return new Promise((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve, reject });
        const ports = args.filter((arg) => arg instanceof MessagePort);
        post({ id, name, args } satisfies Call, ports);
      });
    },
    settle(data) {
      const answer = data as Answer;
      const waiter = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ("failure" in answer) waiter?.reject(revive(answer.failure));
      else waiter?.resolve(answer.result as never);
    },
    fail(error) {
      for (const { reject } of waiting.values()) reject(error);
      waiting.clear();
    },
  };
}
