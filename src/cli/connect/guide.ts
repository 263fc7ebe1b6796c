// What is known of connecting a client: which package was tried, and what it must be told. The lines that are printed are the lines that
// are tried. Knows no client and prints nothing.

/** The formats that clients speak, by the words that `--api` takes. */
export type Api = "chat" | "gemini" | "messages" | "responses";

export interface Gateway {
  /** Such as `http://localhost:8081`. */
  url: string;
  /** Null where none was given: the lines then say where it belongs. */
  key: string | null;
  model: string;
}

/** Stands for what is said to the model, in the last command and in programs. */
export const PROMPT = "Say hello.";

/** In the shell, a key that was not given is taken from this variable. */
export const KEY_VARIABLE = "$KEY";

export interface Program {
  /** Its name says its language. */
  file: string;
  /** Makes `client`, or whatever the language's way is. */
  setup: string;
  /** Asks with it, and prints the answer. */
  hello: string;
}

export interface Setup {
  /** What goes into which file, `~/` or the current folder. */
  files?: Readonly<Record<string, string>>;
  env?: Readonly<Record<string, string>>;
  /** To be run once. */
  before?: readonly (readonly string[])[];
  program?: Program;
  /** Asks the model PROMPT. */
  command: readonly string[];
}

export interface Guide {
  about: string;
  /** Packages and their exact versions, as tried; the first is the client. */
  packages: readonly string[];
  /** How packages of its kind are installed. */
  installer: "npm" | "npm --global" | "pip" | "none";
  /** By the format that it speaks to the gateway, best first. */
  apis: Partial<Record<Api, (gateway: Gateway) => Setup>>;
}

export function shellKey({ key }: Gateway): string {
  return key ?? KEY_VARIABLE;
}

/** For files that know no variables. */
export function plainKey({ key }: Gateway): string {
  return key ?? "YOUR_KEY";
}

export function scriptKey({ key }: Gateway): string {
  return key === null ? "process.env.KEY" : JSON.stringify(key);
}

export function pythonKey({ key }: Gateway): string {
  return key === null ? 'os.environ["KEY"]' : JSON.stringify(key);
}

export function printJsonFile(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** A program for Node that asks by `hello` and prints `print`. */
export function nodeProgram(file: string, setup: readonly string[], hello: readonly string[]): Setup {
  return {
    program: { file, setup: setup.join("\n"), hello: hello.join("\n") },
    command: ["node", file],
  };
}
