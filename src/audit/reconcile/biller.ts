// Whether an export can be about the providers that somebody named: whose bill it is, and by whom those are billed. Knows no configuration.

import { invalidRequest } from "../../ir/index.ts";
import { FORMATS } from "./format/index.ts";
import type { Format } from "./line.ts";

/** By names of providers; those of which it is not known who bills them are missing. */
export type Billers = ReadonlyMap<string, string>;

/** Throws a GatewayError where each of the providers is surely billed by somebody else: all lines would be missing then. */
export function checkBiller(fileName: string, format: Format, providers: readonly string[], billers: Billers): void {
  const { biller, title } = format;
  const known = providers.map((name) => billers.get(name));
  if (biller === undefined || known.some((each) => each === undefined || each === biller)) return;
  const fitting = [...billers].flatMap(([name, each]) => (each === biller ? [name] : []));
  const others = providers.map((name) => `${name} (billed by ${billers.get(name)})`);
  throw invalidRequest(
    `${fileName} was taken for "${title}", a bill by ${biller}, which says nothing of ${others.join(" and ")}. ` +
      `${tellFitting(fitting, biller)}; if it is the right file, say --format ${findName(format)}.`,
  );
}

function tellFitting(names: readonly string[], biller: string): string {
  return names.length === 0
    ? `Name a provider that ${biller} bills (the configuration has none)`
    : `Say --provider ${names.join(",")} for it`;
}

function findName(format: Format): string {
  return Object.entries(FORMATS).find(([, each]) => each === format)?.[0] ?? "";
}

/** Throws a GatewayError that lists the formats. */
export function findFormats(names: readonly string[]): Format[] {
  return names.map((name) => {
    const format = Object.entries<Format>(FORMATS).find(([id]) => id === name)?.[1];
    if (format !== undefined) return format;
    const list = Object.keys(FORMATS).join(", ");
    throw invalidRequest(`--format: there is no format ${JSON.stringify(name)}. Formats: ${list}.`);
  });
}
