// Routes and aliases as they are written: `a=>b` or `a=b`, and what a pattern may look like. Knows no file and no provider.

import { quote } from "./problem.ts";

export interface WrittenRule {
  pattern: string;
  target: string;
  /** Within the text, from 1. */
  line: number;
}

/** Rules separated by commas or line breaks; lines that begin with `#` or `;` are comments. Faults are sentences with their line. */
export function splitRules(text: string): { rules: WrittenRule[]; faults: { line: number; message: string }[] } {
  const rules: WrittenRule[] = [];
  const faults: { line: number; message: string }[] = [];
  for (const [index, raw] of text.split(/\r\n?|\n/).entries()) {
    const line = index + 1;
    if (/^\s*[#;]/.test(raw)) continue;
    for (const part of raw.split(",")) {
      if (part.trim() === "") continue;
      const found = /^([^=]*)=>?(.*)$/.exec(part);
      const pattern = found?.[1]?.trim() ?? "";
      const target = found?.[2]?.trim() ?? "";
      const message =
        found === null ? `${quote(part.trim())} is no rule: write it like pattern=>name` : checkRule(pattern, target);
      if (message === null) rules.push({ pattern, target, line });
      else faults.push({ line, message });
    }
  }
  return { rules, faults };
}

/** `a | b`: who is asked first, and who where that one cannot answer. */
export function splitTargets(target: string): string[] {
  return target.split("|").map((name) => name.trim());
}

/** A sentence about what is wrong, or null. */
export function checkRule(pattern: string, target: string): string | null {
  const wrong = checkPattern(pattern);
  if (wrong !== null) return wrong;
  const names = splitTargets(target);
  if (names.includes("")) return `${quote(pattern)} leads nowhere`;
  if (names.some((name) => /[\s*]/.test(name))) return `${quote(pattern)} must lead to names without spaces or *`;
  return null;
}

/** `x`, `x*`, `*x`, `*x*` or `*`. A sentence about what is wrong, or null. */
export function checkPattern(pattern: string): string | null {
  if (pattern === "") return "a pattern is missing";
  if (pattern === "*") return null;
  const inner = pattern.replace(/^\*/, "").replace(/\*$/, "");
  if (inner === "" || inner.includes("*")) return `${quote(pattern)}: a * may stand at the beginning and the end only`;
  if (/\s/.test(inner)) return `${quote(pattern)}: a pattern has no spaces`;
  return null;
}
