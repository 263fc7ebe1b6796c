// Lines of CSV: quoted where they must be, and no formula for a spreadsheet.

import { expect, test } from "bun:test";
import { parse } from "csv-parse/sync";
import { printCsvLine } from "../../src/lib/csv.ts";

test("every cell comes back, and formulas as text", () => {
  const cells = ["plain", 'with "quotes"', "a,b", "two\nlines", "", 5, "-1.50"];
  expect(parse(printCsvLine(cells))).toEqual([cells.map(String)]);
  expect(printCsvLine(["=1+1", "+a", "@b", "-c", "\tx"])).toBe("'=1+1,'+a,'@b,'-c,'\tx\r\n");
  expect(printCsvLine(["\n=1+1", "\uFF1D1+1", "\uFF0Ba", "\uFF0Db", "\uFF20c"])).toBe(
    "\"'\n=1+1\",'\uFF1D1+1,'\uFF0Ba,'\uFF0Db,'\uFF20c\r\n",
  );
});
