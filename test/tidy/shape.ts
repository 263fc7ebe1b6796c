// How long functions are and whether tables are sorted, read from text as the formatter leaves it: a body's brace ends its line,
// and the closing one stands below at the same indent. Reads no files.

interface Body {
  /** From 1. */
  line: number;
  head: string;
  /** Lines from brace to brace, those of functions inside left out: they are judged on their own. */
  ownLines: number;
}

const OPENS = /(?:=> \{|\)(?:: [^=;]+)? \{)$/u;
const IS_BLOCK = /^(?:\} )?(?:catch|do|else|for|if|switch|try|while|with)\b/u;

/** Each function's body, those of methods and arrows too. */
export function measureBodies(text: string): Body[] {
  const lines = text.split("\n");
  const bodies: Body[] = [];
  const open: { indent: number; body: Body }[] = [];
  for (const [index, line] of lines.entries()) {
    const words = line.trimStart();
    const indent = line.length - words.length;
    const inner = open.at(-1);
    if (inner !== undefined && inner.indent === indent && words.startsWith("}")) {
      open.pop();
      const length = index + 2 - inner.body.line;
      inner.body.ownLines += length;
      const outer = open.at(-1);
      if (outer !== undefined) outer.body.ownLines -= length;
    }
    if (!OPENS.test(line) || IS_BLOCK.test(words) || words.startsWith("//")) continue;
    const body = { line: index + 1, head: words, ownLines: 0 };
    bodies.push(body);
    open.push({ indent, body });
  }
  return bodies;
}

interface Table {
  /** Of the line that ends it. */
  line: number;
  keys: string[];
}

const TABLE_END = /^(?<indent> *)\} as const satisfies (?:Partial<)?Record</u;

/** The keys of each table that is marked `as const satisfies Record`, in the order in which they stand. */
export function readTables(text: string): Table[] {
  const lines = text.split("\n");
  const tables: Table[] = [];
  for (const [index, line] of lines.entries()) {
    const indent = TABLE_END.exec(line)?.groups?.["indent"];
    if (indent === undefined) continue;
    const isStart = (other: string): boolean => other.endsWith("{") && !other.startsWith(`${indent} `);
    const start = lines.slice(0, index).findLastIndex(isStart);
    const key = new RegExp(`^${indent}  (?:"([^"]*)"|([\\w$]+))(?:[:,(]|$)`, "u");
    const keys = lines.slice(start + 1, index).flatMap((row) => {
      const found = key.exec(row);
      return found === null ? [] : [found[1] ?? found[2] ?? ""];
    });
    tables.push({ line: index + 1, keys });
  }
  return tables;
}

/** The first key that stands behind one that should follow it; null where they are in order. */
export function findUnsorted(keys: readonly string[]): string | null {
  return keys.find((key, index) => index > 0 && key < (keys[index - 1] ?? "")) ?? null;
}
