// The tokenizers, each loaded when a text first needs it: the built-in encodings, and the operator's files. Knows no model.

import cl100k from "gpt-tokenizer/data/cl100k_base.tiktoken" with { type: "file" };
import o200k from "gpt-tokenizer/data/o200k_base.tiktoken" with { type: "file" };
import { type Count, createByteCounter } from "./byte-pair.ts";
import { type RankTable, readRankTable } from "./rank-table.ts";
import { createSplit, readPublished } from "./split.ts";
import { readTokenizerFile } from "./tokenizer-file.ts";

/** Kept equal to package.json by a test. */
export const ENCODINGS_VERSION = "gpt-tokenizer@4.0.0";
export const FILES_VERSION = "@huggingface/tokenizers@0.2.0";

export interface Tokenizer {
  count: Count;
  /** What a row says of it: of a file, the beginning of its SHA-256, too. */
  version: string;
}

const BUILT_IN: Readonly<Record<string, () => Promise<Count>>> = {
  async cl100k_base() {
    const [table, { CL100K_TOKEN_SPLIT_REGEX: split }] = await Promise.all([
      readTable(cl100k),
      import("gpt-tokenizer/encodingParams/constants"),
    ]);
    return createByteCounter({ table, split: readPublished(split) });
  },
  async o200k_base() {
    return createByteCounter({ table: await readTable(o200k), split: createSplit() });
  },
};

/** As the package has them beside its code, where they are lists of strings: those are twenty times as large, and stay. */
async function readTable(path: string): Promise<RankTable> {
  const file = await Bun.file(path).bytes();
  const table = readRankTable(file);
  // Given back at once: the collector would come by when as much again has gathered.
  file.buffer.transfer(0);
  return table;
}

const FILE = "file:";

/** Rejects, naming no text, where a tokenizer cannot be loaded; it is tried again for the next text. */
export function createTokenizers(files: ReadonlyMap<string, string>): (name: string) => Promise<Tokenizer> {
  const loaded = new Map<string, Promise<Tokenizer>>();
  return (name) => {
    const known = loaded.get(name);
    if (known !== undefined) return known;
    const loading = name.startsWith(FILE) ? loadFile(files.get(name.slice(FILE.length)) ?? "") : loadBuiltIn(name);
    loaded.set(name, loading);
    loading.catch(() => loaded.delete(name));
    return loading;
  };
}

async function loadBuiltIn(name: string): Promise<Tokenizer> {
  const load = BUILT_IN[name];
  if (load === undefined) throw new RangeError(`there is no encoding ${name}`);
  return { count: await load(), version: ENCODINGS_VERSION };
}

async function loadFile(path: string): Promise<Tokenizer> {
  const [{ Tokenizer: FileTokenizer }, text] = await Promise.all([
    import("@huggingface/tokenizers"),
    Bun.file(path).text(),
  ]);
  const digest = new Bun.CryptoHasher("sha256").update(text).digest("hex").slice(0, 16);
  const tokenizer = new FileTokenizer(readTokenizerFile(text), {});
  return {
    count: (given) => tokenizer.encode(given, { add_special_tokens: false }).ids.length,
    version: `${FILES_VERSION} sha256:${digest}`,
  };
}
