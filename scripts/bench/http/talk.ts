// Two processes that take turns: one asks by a line of JSON, the other answers by one. Knows nothing of what is said.

import type { Subprocess } from "bun";

export interface Talker {
  pid: number;
  /** Rejects where the other side failed, or is gone. */
  ask<A>(question: object): Promise<A>;
  stop(): Promise<void>;
}

type Piped = Subprocess<"pipe", "pipe", "inherit">;

export function startTalker(command: readonly string[]): Talker {
  const child: Piped = Bun.spawn([...command], { stdin: "pipe", stdout: "pipe", stderr: "inherit" });
  const lines = readLines(child.stdout);
  return {
    pid: child.pid,
    async ask(question) {
      void child.stdin.write(`${JSON.stringify(question)}\n`);
      await child.stdin.flush();
      const { value, done } = await lines.next();
      if (done === true) throw new Error(`${command.join(" ")} is gone.`);
      const { error, answer } = JSON.parse(value);
      if (error !== undefined) throw new Error(error);
      return answer;
    },
    async stop() {
      child.kill();
      await child.exited;
    },
  };
}

/** Of the process that is asked; ends when nobody can ask any more. */
export async function answerAll(answer: (question: never) => Promise<unknown>): Promise<void> {
  for await (const line of readLines(Bun.stdin.stream())) {
    const said = await answer(JSON.parse(line) as never).then(
      (value: unknown) => ({ answer: value ?? null }),
      (error: unknown) => ({ error: error instanceof Error ? error.message : String(error) }),
    );
    process.stdout.write(`${JSON.stringify(said)}\n`);
  }
}

async function* readLines(stream: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const bytes of stream) {
    text += decoder.decode(bytes, { stream: true });
    for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n")) {
      yield text.slice(0, end);
      text = text.slice(end + 1);
    }
  }
}
