// What the commands on settings share: the book on an opened database. No server need run; one that does takes a change up within a second.

import { loadConfig } from "../../../config/index.ts";
import { type SettingBook, createSettingBook, printSettings } from "../../../server/index.ts";
import { type ConfigFlags, toLoadOptions } from "../../flags.ts";
import { byOperator, runWithStore } from "../../open.ts";
import { print, printJson } from "../../output.ts";

export function runWithBook<T>(flags: ConfigFlags, work: (book: SettingBook) => Promise<T>): Promise<T> {
  const load = (runtime: Readonly<Record<string, string>>) => loadConfig({ ...toLoadOptions(flags), runtime });
  return runWithStore(flags, ({ store }) => work(createSettingBook({ store: store.settings, load, now: Date.now })));
}

export const KEY_ARG = { key: { type: "positional", description: "Name of the setting", required: true } } as const;

/** Null takes back what was set. */
export async function change(flags: ConfigFlags, key: string, text: string | null): Promise<void> {
  const { row, loaded } = await runWithBook(flags, async (book) => {
    await book.change({ [key]: text }, { expected: undefined, by: byOperator() });
    return book.read();
  });
  const found = loaded.effective.find((each) => each.key === key);
  if (flags.json === true) {
    const { values: _all, ...settings } = printSettings(loaded, row);
    return printJson({ key, value: found?.value ?? null, origin: found?.origin ?? "default", ...settings });
  }
  print(`${key} is ${found?.value ?? "unset"} (${found?.origin ?? "default"})`);
}
