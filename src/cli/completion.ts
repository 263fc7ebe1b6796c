// `tokligence completion SHELL` prints the script that a shell sources; that script then calls `tokligence complete -- WORDS`.
// Knows no command.

import { script } from "@bomb.sh/tab";
import { defineCommand } from "citty";
import { printBash, printZsh } from "./complete/script.ts";
import { print } from "./output.ts";
import { CliError, EXIT } from "./error.ts";

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
      if (shell === "bash") print(printBash(name));
      else if (shell === "zsh") print(printZsh(name));
      else script(shell, name, name);
    },
  });
}
