// Reads and prints INI text, keeping the line of every entry. Knows no key, no layer and no disk.
// Our own reader rather than a package's: the packages keep line numbers for syntax errors only, and drop duplicates and order.

export interface IniEntry {
  /** As written, without brackets; empty above the first header. */
  section: string;
  key: string;
  value: string;
  line: number;
}

export interface IniSection {
  name: string;
  line: number;
}

export interface IniFault {
  line: number;
  message: string;
}

export interface IniFile {
  entries: IniEntry[];
  sections: IniSection[];
  faults: IniFault[];
}

/** No configuration is longer; whatever is, was named by mistake. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * A value is the rest of the line after the first `=`: quotes, `;`, `#` and further `=` are part of it. Comments are whole lines.
 * Nothing that is wrong is quoted in a fault, for it may be a secret that lost its key.
 */
export function readIni(text: string): IniFile {
  const file: IniFile = { entries: [], sections: [], faults: [] };
  let section = "";
  for (const [index, raw] of text.split(/\r\n?|\n/).entries()) {
    const line = index + 1;
    const content = raw.trim();
    if (content === "" || content.startsWith("#") || content.startsWith(";")) continue;
    if (content.startsWith("[")) {
      const name = content.endsWith("]") ? content.slice(1, -1).trim() : "";
      if (name === "" || name === "__proto__") {
        file.faults.push({ line, message: "a section header must be [name], alone on its line" });
        continue;
      }
      section = name;
      file.sections.push({ name, line });
      continue;
    }
    const equals = content.indexOf("=");
    if (equals < 1) {
      file.faults.push({ line, message: "this line is neither key=value, nor a [section], nor a comment" });
      continue;
    }
    const key = content.slice(0, equals).trim();
    file.entries.push({ section, key, value: content.slice(equals + 1).trim(), line });
  }
  return file;
}

/** One line of a file. Throws a RangeError for what no line can hold: line breaks, NUL, or spaces at the ends. */
export function printIniEntry(key: string, value: string): string {
  // oxlint-disable-next-line no-control-regex -- NUL is exactly what is looked for
  if (/[\r\n\0]/.test(key + value)) throw new RangeError(`${JSON.stringify(key)} cannot be written on one line`);
  if (value !== value.trim() || key !== key.trim())
    throw new RangeError(`${JSON.stringify(key)} has spaces at its ends`);
  if (key === "" || key.includes("=") || /^[#;[]/.test(key)) throw new RangeError(`${JSON.stringify(key)} is no key`);
  return `${key}=${value}`;
}

/** UTF-8 with or without a byte order mark; anything else is a fault in words. */
export function decodeText(bytes: Uint8Array): { text: string } | { fault: IniFault } {
  if (bytes.length > MAX_BYTES)
    return { fault: { line: 1, message: "the file is too long for a configuration (4 MiB)" } };
  const zero = bytes.indexOf(0);
  if (zero !== -1) {
    const line = bytes.subarray(0, zero).filter((byte) => byte === 10).length + 1;
    return { fault: { line, message: "the file holds a NUL byte: it is not UTF-8 text" } };
  }
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes) };
  } catch {
    return { fault: { line: 1, message: "the file is not UTF-8 text" } };
  }
}
