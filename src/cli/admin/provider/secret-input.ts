// Reads a secret from standard input: all of it where it is no terminal, else a line that nobody sees. Knows nothing of what it is for.

import { CliError, EXIT } from "../../error.ts";

const MOST_BYTES = 64 * 1024;

export async function readSecretInput(prompt: string): Promise<string> {
  return process.stdin.isTTY ? readHidden(prompt) : readAll();
}

async function readAll(): Promise<string> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of Bun.stdin.stream()) {
    pieces.push(piece);
    length += piece.length;
    if (length > MOST_BYTES) {
      throw new CliError("What stands on standard input is too long for a key.", { exitCode: EXIT.usage });
    }
  }
  return Buffer.concat(pieces).toString("utf8");
}

const ENTER = /[\r\n]/u;
const ETX = "\u0003";
const EOT = "\u0004";
const ERASE = /[\b\u007F]/u;

/** Echo is off while it is typed, and on again whatever happens. */
async function readHidden(prompt: string): Promise<string> {
  const { stdin, stderr } = process;
  stderr.write(prompt);
  stdin.setRawMode(true);
  stdin.setEncoding("utf8");
  let text = "";
  try {
    for await (const typed of stdin) {
      for (const letter of String(typed)) {
        if (letter === ETX) throw new CliError("Broken off; nothing was changed.", { exitCode: EXIT.interrupted });
        if (letter === EOT || ENTER.test(letter)) return text;
        text = ERASE.test(letter) ? text.slice(0, -1) : text + letter;
      }
    }
    return text;
  } finally {
    stdin.setRawMode(false);
    stdin.pause();
    stderr.write("\n");
  }
}
