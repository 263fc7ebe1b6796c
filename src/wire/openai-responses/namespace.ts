// Tools that a client groups under a name of their own: told apart from all others by one joined name, which other formats can say, and found
// again by it. Knows no tool's definition.

import type { Tool } from "../../ir/index.ts";
import { fitName, restoreName } from "../safe-name.ts";

type Namespace = NonNullable<Tool["namespace"]>;

const SEPARATOR = "__";
/** The shortest limit on names that formats have: a joined name that fits everywhere stays readable everywhere. */
const NAME_LIMIT = 64;

const NONE: ReadonlySet<string> = new Set();

/** One name for a tool of a namespace, and none of those that are `taken`. */
export function joinName(namespace: string, name: string, taken: ReadonlySet<string> = NONE): string {
  const joined = namespace.endsWith(SEPARATOR) ? namespace + name : namespace + SEPARATOR + name;
  // The blank makes the name one that must be fitted, so it ends in a hash of both parts.
  return taken.has(joined) ? fitName(`${namespace} ${name}`, NAME_LIMIT) : joined;
}

/** The tool that a client calls by this name in this namespace ("" where it says none). */
export function findTool(tools: readonly Tool[], name: string, namespace: string): Tool | undefined {
  if (namespace !== "") {
    return tools.find((tool) => tool.namespace?.name === namespace && tool.namespace.toolName === name);
  }
  return (
    tools.find((tool) => tool.name === name && tool.namespace === undefined) ??
    tools.find((tool) => tool.namespace?.toolName === name)
  );
}

/** The canonical name of a call, declared or not. */
export function nameCall(tools: readonly Tool[], name: string, namespace: string): string {
  if (namespace === "") return name;
  return findTool(tools, name, namespace)?.name ?? joinName(namespace, name);
}

/** The canonical name of the tool that a provider calls: by the name it was given, or, as models do, by the client's own short one. */
export function findName(name: string, tools: readonly Tool[]): string {
  const restored = restoreName(name, tools);
  if (tools.some((tool) => tool.name === restored)) return restored;
  return tools.find((tool) => tool.namespace?.toolName === name)?.name ?? name;
}

/** A call's name as the client knows it, and the namespace where it has one. */
export function splitName(name: string, tools: readonly Tool[]): { name: string; namespace?: string } {
  const found = findName(name, tools);
  const space = tools.find((tool) => tool.name === found)?.namespace;
  return space === undefined ? { name: found } : { name: space.toolName, namespace: space.name };
}

/** Tools in their order, neighbours of one namespace together. */
export function groupTools(tools: readonly Tool[]): { namespace: Namespace | null; members: Tool[] }[] {
  const groups: { namespace: Namespace | null; members: Tool[] }[] = [];
  for (const tool of tools) {
    const last = groups.at(-1);
    if (tool.namespace !== undefined && last?.namespace?.name === tool.namespace.name) last.members.push(tool);
    else groups.push({ namespace: tool.namespace ?? null, members: [tool] });
  }
  return groups;
}
