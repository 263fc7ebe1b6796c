// What the commands on providers share: the name, and where a key comes from. A key never stands in a command line, where every user of the
// machine sees it.

import { CliError, EXIT } from "../../error.ts";
import { refuseValue } from "../../value.ts";
import { readSecretInput } from "./secret-input.ts";

export const NAME_ARG = { name: { type: "positional", description: "Name of the provider", required: true } } as const;

export const KEY_ARGS = {
  "key-file": { type: "string", description: "File that holds the key; - is standard input", valueHint: "PATH" },
  "key-env": { type: "string", description: "Environment variable that holds the key", valueHint: "NAME" },
  label: { type: "string", description: "Which of several keys it is: api_key.LABEL", valueHint: "LABEL" },
  field: {
    type: "string",
    description: "Another field that is secret, such as secret_access_key or header.x-api-key",
    valueHint: "FIELD",
  },
} as const;

interface KeyFlags {
  "key-file"?: string | undefined;
  "key-env"?: string | undefined;
  label?: string | undefined;
  field?: string | undefined;
}

/** The field and its text; null where none was said. */
export async function readKey(flags: KeyFlags, isNeeded: boolean): Promise<{ field: string; text: string } | null> {
  const { label, field } = flags;
  if (label !== undefined && field !== undefined) throw refuseValue("field", "say this or --label, not both");
  const name = (field ?? (label === undefined ? "api_key" : `api_key.${label}`)).toLowerCase();
  const text = await readText(flags, isNeeded, name);
  if (text === null) return null;
  if (text !== "") return { field: name, text };
  throw new CliError(`There is no key in what was given for ${name}.`, {
    exitCode: EXIT.usage,
    hint: 'Give it on standard input, as in "pass show openai | tokligence admin providers set-key openai", or with --key-file or --key-env.',
  });
}

async function readText(flags: KeyFlags, isNeeded: boolean, name: string): Promise<string | null> {
  const { "key-file": path, "key-env": variable } = flags;
  if (path !== undefined && variable !== undefined) throw refuseValue("key-env", "say this or --key-file, not both");
  if (variable !== undefined) {
    const text = process.env[variable]?.trim();
    if (text === undefined || text === "")
      throw refuseValue("key-env", `there is no ${JSON.stringify(variable)} in the environment`);
    return text;
  }
  if (path !== undefined && path !== "-") {
    const file = Bun.file(path);
    if (!(await file.exists())) throw refuseValue("key-file", `there is no file ${JSON.stringify(path)}`);
    return (await file.text()).trim();
  }
  if (path === undefined && !isNeeded) return null;
  return (await readSecretInput(`${name}: `)).trim();
}

/** Without a word of what was said: it stands in the process list and in the shell's history already. */
export function refuseSpokenKey(field: string): CliError {
  return new CliError(`${field} must not stand in a command line, where every user of this machine can read it.`, {
    exitCode: EXIT.usage,
    hint: "Give it on standard input, or with --key-file or --key-env; and as this one was seen, have it exchanged at the provider.",
  });
}
