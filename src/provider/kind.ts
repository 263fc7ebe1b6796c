// What a kind of provider is: all that configuration must know of it, and how its settings become a Provider. One value a vendor.

import type { ProviderSettings } from "./settings.ts";
import type { Provider } from "./type.ts";

/** One word of a host's name, such as a region: with anything else the host could be another one. */
export const HOST_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/iu;

/** One part of a path, such as a project: `example.com:my-project`, a number, a GUID. */
export const PATH_NAME = /^[a-z0-9][a-z0-9._:-]*$/iu;

/** A setting that only some vendors have, such as a region. */
export interface ProviderOption {
  /** One line, for people. */
  about: string;
  /** The usual environment variables for it, best first; ours come before. They hold for every provider of the kind. */
  variables: readonly string[];
  /** Usual variables that hold the path of a file with the value. */
  fileVariables?: readonly string[];
  /** Where other programs keep a file with the value; `~` is the home folder. Read where nothing else is said. */
  usualFile?: string;
  example: string;
  /** What it is where nobody says it. */
  fallback?: string;
  /** What it may be; any text where missing. */
  choices?: readonly string[];
  /** Several of the choices, separated by commas. */
  isList?: true;
  /** An address, http or https, without a slash at its end. */
  isUrl?: true;
  /** What it must look like, where it becomes part of an address. */
  form?: RegExp;
  /** Pairs of names, written `a=>b, c=>d`. */
  isMap?: true;
  /** Never shown; may also be given as the path of a file that holds it. Of one name, either all kinds' are secret or none. */
  secret?: true;
}

/** What a provider may use of the world: for tokens that it must fetch. */
export interface ProviderTools {
  fetch(url: string, init: { method: string; headers: Record<string, string>; body?: string }): Promise<Response>;
  /** A file that the operator's credentials name; read each time, for others renew it. */
  readText(path: string): Promise<string>;
  nowMs(): number;
  /** Never runs backwards, and may stand still while the machine sleeps. */
  monotonicMs(): number;
}

export interface ProviderKindDefinition {
  /** Whose server it is, for people. */
  about: string;
  /** Its usual address, up to what comes before the format's own path; empty where it follows from the options; null where the operator must give one. */
  baseUrl: string | null;
  /** What an address of the operator's looks like, where it is not like everyone's. */
  exampleUrl?: string;
  /** The usual environment variables for its key, best first. They hold for the provider that is named like its kind alone. */
  keyVariables: readonly string[];
  /** The usual environment variables for its address, likewise. */
  urlVariables: readonly string[];
  /** Makes an address of what such a variable holds, where that is something else. */
  readUrl?: (text: string) => string;
  /** Whether it refuses calls without a key. */
  needsKey: boolean;
  /** Variables that together declare a provider named like the kind, without any section; several sets, if need be. Missing: each key variable. */
  impliedBy?: readonly (readonly string[])[];
  options: Readonly<Record<string, ProviderOption>>;
  /** Models that nobody else has: built-in routes to the provider that is named like its kind. */
  patterns?: readonly string[];
  /** What must not be said of it by someone who does not hold this machine: its files and its own accounts are not theirs to use. Missing: nothing. */
  judgeRemote?(settings: ProviderSettings): { field: string; message: string } | null;
  make(settings: ProviderSettings, tools: ProviderTools): Provider;
}

/** The sets of usual variables any of which is enough to declare the provider that is named like its kind. */
export function listImplying(
  kind: Pick<ProviderKindDefinition, "impliedBy" | "keyVariables">,
): readonly (readonly string[])[] {
  return kind.impliedBy ?? kind.keyVariables.map((variable) => [variable]);
}
