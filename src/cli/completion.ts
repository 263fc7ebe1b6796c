// `tokligence completion SHELL` prints the script that a shell sources; that script then calls `tokligence complete -- WORDS`.
// Knows the commands only by what they declare.

import { type RootCommand, script } from "@bomb.sh/tab";
import completeCitty from "@bomb.sh/tab/citty";
import { defineCommand } from "citty";
import { print } from "./output.ts";
import { CliError, EXIT, type ExitCode } from "./error.ts";
import type { Command } from "./shell.ts";

/** The script relies on a function of the bash-completion package, which plain machines do not have. */
const BASH_FALLBACK = `if ! declare -F _get_comp_words_by_ref >/dev/null; then
  _get_comp_words_by_ref() {
    while [ $# -gt 0 ]; do
      case "$1" in
        -n) shift ;;
        cur) cur="\${COMP_WORDS[COMP_CWORD]}" ;;
        prev) prev="\${COMP_WORDS[COMP_CWORD - 1]}" ;;
        words) words=("\${COMP_WORDS[@]}") ;;
        cword) cword=$COMP_CWORD ;;
      esac
      shift
    done
  }
fi`;

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
      if (shell === "bash") print(BASH_FALLBACK);
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
