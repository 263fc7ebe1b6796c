// What may stand at a place of a command line, and where such words come from. Knows no command.

import type { Named } from "../../store/glance-name.ts";

/** Names of what there is. Each may answer more than begins with the prefix; nobody is told what went wrong. */
export interface Names {
  users(prefix: string): Promise<Named[]>;
  keyIds(prefix: string): Promise<Named[]>;
  keyPrefixes(prefix: string): Promise<Named[]>;
  providers(): Promise<Named[]>;
  routes(): Promise<Named[]>;
  budgets(): Promise<Named[]>;
  limits(): Promise<Named[]>;
  models(): Promise<Named[]>;
  /** Folders beside the configuration's file that may be its overlays. */
  overlays(): Promise<Named[]>;
  close(): Promise<void>;
}

export interface Asked {
  names: Names;
  /** What is typed of it already; of a list, of its last item. */
  prefix: string;
  /** Words before it that belong to no flag. */
  before: readonly string[];
}

export interface Source {
  /** Items separated by commas. */
  isList?: true;
  /** The shell looks for files instead. */
  isFile?: true;
  find(asked: Asked): Promise<Named[]> | Named[];
}

export function words(...all: readonly string[]): Source {
  return { find: () => all.map((name) => ({ name, about: "" })) };
}

export function listOf(source: Source): Source {
  return { ...source, isList: true };
}
