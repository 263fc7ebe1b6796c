// Forms watched go by: the bytes that come out are those that went in, however they are cut, and the fields asked for come out whole.

import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MultipartError, createMultipartScanner, readBoundary } from "../../src/lib/multipart.ts";

function scan(bytes: Uint8Array, cuts: readonly number[], wanted: readonly string[], boundary = "b") {
  const scanner = createMultipartScanner(boundary, (name) => wanted.includes(name));
  const edges = [
    0,
    ...cuts.map((cut) => cut % (bytes.length + 1)).toSorted((left, right) => left - right),
    bytes.length,
  ];
  const pieces = edges.slice(1).flatMap((edge, index) => scanner.push(bytes.slice(edges[index], edge)));
  pieces.push(...scanner.end());
  return {
    joined: Buffer.concat(pieces.map((piece) => piece.bytes)),
    fields: pieces.flatMap(({ field, bytes: value }) =>
      field === null ? [] : [[field, Buffer.from(value).toString()]],
    ),
  };
}

async function makeForm(fields: [string, string | Blob][]): Promise<{ bytes: Uint8Array; boundary: string }> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  const response = new Response(form);
  return { boundary: readBoundary(response.headers.get("content-type") ?? "") ?? "", bytes: await response.bytes() };
}

test("any form, cut anywhere, comes out as it went in, with its fields", async () => {
  const name = fc.constantFrom("model", "file", "prompt", "other");
  const value = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom("\r", "\n", "-", "b", "\r\n--") }));
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(name, value), { maxLength: 6 }),
      fc.array(fc.nat(), { maxLength: 12 }),
      async (fields, cuts) => {
        const { bytes, boundary } = await makeForm(fields);
        const { joined, fields: found } = scan(bytes, cuts, ["model", "prompt"], boundary);
        expect(joined.equals(bytes)).toBe(true);
        const wanted = fields.filter(([field]) => field === "model" || field === "prompt");
        // A form writes line ends as CRLF.
        expect(found).toEqual(
          wanted.map(([field, text]) => [field, text.replaceAll(/\r\n|\r|\n/g, "\r\n").toWellFormed()]),
        );
      },
    ),
    { numRuns: 200 },
  );
});

test("the same in chunks so large that they are not copied", async () => {
  const filler = "\r\n--".repeat(3_000);
  const { bytes, boundary } = await makeForm([
    ["file", filler],
    ["model", "m"],
    ["file", `${filler}\r`],
    ["prompt", filler.slice(0, 20_000)],
    ["file", filler],
  ]);
  for (let cut = 1; cut < bytes.length; cut += 97) {
    const { joined, fields } = scan(bytes, [cut, Math.min(bytes.length, cut + 9_000)], ["model", "prompt"], boundary);
    expect(joined.equals(bytes)).toBe(true);
    expect(fields).toEqual([
      ["model", "m"],
      ["prompt", filler.slice(0, 20_000)],
    ]);
  }
});

test("what looks like a boundary inside a file is none", () => {
  const body =
    '--b\r\ncontent-disposition: form-data; name=file; filename=x\r\n\r\n\r\n--c\r\n--a\r\n-\r\n--\r\n--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\nepilogue';
  const bytes = Buffer.from(body);
  for (let cut = 0; cut < bytes.length; cut++) {
    const { joined, fields } = scan(bytes, [cut], ["model"]);
    expect([joined.toString(), fields]).toEqual([body, [["model", "m"]]]);
  }
});

test("parts without headers or body, spaces behind the boundary, and a preamble are taken as they are", () => {
  const body = "preamble\r\n--b \t\r\n\r\nno headers\r\n--b\r\ncontent-disposition: form-data; name=model\r\n\r\n--b--";
  expect(scan(Buffer.from(body), [], ["model"])).toEqual({ joined: Buffer.from(body), fields: [["model", ""]] });
});

describe("a form that cannot be read", () => {
  test.each([
    ["has no end", "--b\r\ncontent-disposition: form-data; name=model\r\n\r\nx"],
    ["has no beginning", "nothing here"],
    ["is empty", ""],
    ["has text behind a boundary", "--bx\r\n\r\n\r\n--b--"],
    ["has headers without end", `--b\r\n${"x: y\r\n".repeat(5_000)}`],
    ["has a field without end", `--b\r\ncontent-disposition: form-data; name=model\r\n\r\n${"x".repeat(100_000)}`],
  ])("%s", (_name, body) => {
    expect(() => scan(Buffer.from(body), [], ["model"])).toThrow(MultipartError);
  });
});

test("boundaries", () => {
  expect(readBoundary("multipart/form-data; boundary=abc")).toBe("abc");
  expect(readBoundary('Multipart/Form-Data; charset=utf-8; boundary="a b;c"')).toBe("a b;c");
  expect(readBoundary("application/json; boundary=abc")).toBeNull();
  expect(readBoundary("multipart/form-data")).toBeNull();
});

describe("what two readers would read differently is refused", () => {
  const scanPart = (headers: string) => () =>
    scan(Buffer.from(`--b\r\n${headers}\r\n\r\nfile-1\r\n--b--\r\n`), [], ["model", "file_id"]);

  test.each([
    ["two names", 'Content-Disposition: form-data; name="a"; name="file_id"'],
    [
      "two lines of names",
      'Content-Disposition: form-data; name="a"\r\ncontent-disposition: form-data; name="file_id"',
    ],
    [
      "a name in what another reader takes for the end of one",
      'Content-Disposition: form-data; name="a\\"; name="file_id"',
    ],
    [
      "a name in what another reader takes for a file's",
      'Content-Disposition: form-data; filename="a\\"; name="file_id"',
    ],
    ["a name that another reader reads without its backslash", 'Content-Disposition: form-data; name="file\\_id"'],
    ["a name on a line that goes on", 'Content-Disposition: form-data;\r\n name="file_id"'],
    ["a name in another alphabet", "Content-Disposition: form-data; name*=UTF-8''file%5fid"],
    ["both of these", "Content-Disposition: form-data; name=a; name*=UTF-8''file_id"],
  ])("%s", (_what, headers) => {
    expect(scanPart(headers)).toThrow(MultipartError);
  });

  test("but not a file that is called so", () => {
    const file = 'Content-Disposition: form-data; name="file_id"; filename="a; name=b.txt"; filename*=UTF-8\'\'b';
    expect(scanPart(file)().fields).toEqual([["file_id", "file-1"]]);
  });

  test("two boundaries", () => {
    expect(readBoundary('multipart/form-data; x="; boundary=a"; boundary=b')).toBeNull();
    expect(readBoundary("multipart/form-data; boundary=a; boundary*=UTF-8''b")).toBeNull();
    expect(readBoundary("multipart/form-data; boundary=----WebKitFormBoundary7MA4")).toBe("----WebKitFormBoundary7MA4");
  });
});
