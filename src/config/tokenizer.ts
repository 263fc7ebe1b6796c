// How tokens are counted again, and the operator's own tokenizers for it: `[tokenizer.NAME]` with the models that they are for and the file that holds one. Knows no tokenizer.

import { describeDiskError } from "./disk.ts";
import type { Values } from "./key.ts";
import type { Origin } from "./problem.ts";
import { describeBadValue, quote } from "./problem.ts";
import type { Reading } from "./read.ts";
import { readSetting } from "./read.ts";
import { plain } from "./syntax.ts";
import type { Config, TokenizerSettings } from "./value.ts";

export const TOKENIZER_FIELDS = ["file", "models"] as const;

type TokenizerField = (typeof TOKENIZER_FIELDS)[number];

export function readRecount(reading: Reading, values: Values): Config["recount"] {
  return {
    isOn: values.recount,
    asksProviders: values.recount_count_endpoint,
    tolerancePercent: values.recount_tolerance_percent,
    maxRows: values.recount_queue_rows,
    maxBytes: values.recount_queue_bytes,
    tokenizers: readTokenizers(reading),
  };
}

/** Both fields are needed, and the file must be there; whether all that is in it can be used is found out when it is needed. */
function readTokenizers(reading: Reading): TokenizerSettings[] {
  return [...reading.gathered.sections.tokenizer].flatMap(([name, draft]) => {
    const read = (field: TokenizerField): string => {
      const wanted = { name: `tokenizer.${name}.${field}`, setting: draft.fields.get(field) };
      if (wanted.setting === undefined) {
        const message = `the tokenizer ${name} lacks ${field}: it takes models=pattern, … and file=path/to/tokenizer.json`;
        reading.gathered.problems.push({ ...draft.origin, key: field, message, suggestion: null });
        return "";
      }
      const path = field === "file" ? ({ path: "file" } as const) : {};
      const value = readSetting(reading, { ...wanted, key: { type: plain, ...path } });
      return typeof value === "string" ? value : "";
    };
    const [models, file] = [read("models"), read("file")];
    const setting = draft.fields.get("file");
    if (file !== "" && setting !== undefined) checkFile(reading, file, { name, origin: setting.origin });
    const patterns = models.split(",").map((pattern) => pattern.trim());
    return [{ name, file, models: patterns.filter((pattern) => pattern !== "") }];
  });
}

function checkFile(reading: Reading, path: string, { name, origin }: { name: string; origin: Origin }): void {
  const refuse = (message: string): void => {
    reading.gathered.problems.push(describeBadValue(origin, `tokenizer.${name}.file`, `${quote(path)} ${message}`));
  };
  try {
    const bytes = reading.disk.readFile(path);
    if (bytes === null) refuse("does not exist");
    else if (!new TextDecoder().decode(bytes.subarray(0, 64)).trimStart().startsWith("{"))
      refuse("is no tokenizer.json");
    // Neither tokenizer_config.json nor config.json, which lie beside it, has one.
    else if (!Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes('"model"'))
      refuse("is no tokenizer.json: it has no model in it");
  } catch (error) {
    refuse(describeDiskError(error));
  }
}
