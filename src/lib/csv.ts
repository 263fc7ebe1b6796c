// Lines of CSV (RFC 4180), safe to open in a spreadsheet. Knows no columns.

/** With the line's end. What a spreadsheet would take for a formula is made text. */
export function printCsvLine(cells: readonly (number | string)[]): string {
  return `${cells.map(printCell).join(",")}\r\n`;
}

/** How a formula may begin (OWASP, "CSV Injection"): full-width letters count, too. */
const FORMULA = /^[=+\-@\t\r\n\uFF0B\uFF0D\uFF1D\uFF20]/u;

function printCell(cell: number | string): string {
  if (typeof cell === "number") return String(cell);
  const isNumber = /^-?\d+(?:\.\d+)?$/u.test(cell);
  const text = !isNumber && FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/u.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
