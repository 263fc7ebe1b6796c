// `tokligence completion SHELL` prints the script that a shell sources; that script then calls `tokligence complete -- WORDS`.
// Knows the commands only by what they declare.

import { type RootCommand, script } from "@bomb.sh/tab";
import completeCitty from "@bomb.sh/tab/citty";
import { defineCommand } from "citty";
import { CliError, EXIT, type ExitCode } from "./error.ts";
import type { Command } from "./shell.ts";

const SHELLS = ["bash", "fish", "powershell", "zsh"] as const;

export function makeCompletion(name: string) {
  return defineCommand({
    meta: { name: "completion", description: "Print a shell's completion script" },
    args: {
      shell: { type: "positional", description: SHELLS.join(", "), required: true },
    },
    run({ args }) {
      const shell = SHELLS.find((known) => known === args.shell);
      if (shell === undefined) {
        throw new CliError(`There is no completion for ${JSON.stringify(args.shell)}.`, {
          exitCode: EXIT.usage,
          hint: `Shells: ${SHELLS.join(", ")}.`,
        });
      }
      script(shell, name, name);
    },
  });
}

/** Prints what could follow the words after `--`, in the form that the script reads. */
export async function complete(root: Command, words: readonly string[]): Promise<ExitCode> {
  const tree: RootCommand = await completeCitty(root);
  tree.parse(words.slice(words.indexOf("--") + 1));
  return EXIT.ok;
}
