// Reads what a flag names: any file, or the public key that somebody trusts. Knows no command.

import { readFileSync } from "node:fs";
import { readPublicKey } from "../ledger/index.ts";
import { CliError, EXIT } from "./error.ts";

export function readTrustedKey(path: string): string {
  const key = readPublicKey(readGivenFile("public-key", path));
  if (key !== null) return key;
  throw new CliError(`${path} holds no Ed25519 public key.`, {
    exitCode: EXIT.usage,
    hint: "Give a file of tokligence ledger key: PEM, or JSON.",
  });
}

export function readGivenFile(flag: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    const reason = error instanceof Error && "code" in error ? String(error.code) : "unknown reason";
    throw new CliError(`--${flag}: ${path} cannot be read (${reason}).`, { exitCode: EXIT.usage });
  }
}
