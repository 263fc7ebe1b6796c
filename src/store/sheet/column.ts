// Columns of numbers in one piece of bytes, each number in as few of them as all of its column need. Knows nothing of what they mean.

/** In the numbers' own order; none where all of them are zero. */
export type Column = Float64Array | Uint8Array | Uint16Array | Uint32Array;

type Kind = 1 | 2 | 4 | 8;

interface Head {
  rows: number;
  /** Of each column its name, bytes a number and length, in the order in which they lie behind the head. */
  columns: [name: string, kind: Kind, length: number][];
}

const ALIGNED = 8;

export interface Columns {
  /** Nothing where all are zero. */
  put(name: string, numbers: readonly number[]): void;
  /** Whatever JSON can say. */
  putJson(name: string, value: unknown): void;
  layDown(rows: number): Uint8Array<ArrayBuffer>;
}

export function createColumns(): Columns {
  const columns: { name: string; kind: Kind; numbers: ArrayLike<number> }[] = [];
  return {
    put(name, numbers) {
      const kind = fit(numbers);
      if (kind !== null) columns.push({ name, kind, numbers });
    },
    putJson(name, value) {
      columns.push({ name, kind: 1, numbers: new TextEncoder().encode(JSON.stringify(value)) });
    },
    layDown(rows) {
      const head: Head = { rows, columns: columns.map(({ name, kind, numbers }) => [name, kind, numbers.length]) };
      const text = new TextEncoder().encode(JSON.stringify(head));
      const places = layOut(text.length, head.columns);
      const bytes = new Uint8Array(places.end);
      new DataView(bytes.buffer).setUint32(0, text.length, true);
      bytes.set(text, 4);
      for (const [index, { kind, numbers }] of columns.entries())
        view(bytes, places.starts[index] ?? 0, { kind, length: numbers.length }).set(numbers);
      return bytes;
    },
  };
}

export interface Opened {
  rows: number;
  find(name: string): Column | null;
  /** Null where there is none. */
  readJson(name: string): unknown;
}

/** @param packed as `layDown` makes it; its columns are looked at where they lie */
export function openColumns(packed: Uint8Array): Opened {
  // Numbers of several bytes must lie where they would in an array of them.
  const bytes = packed.byteOffset % ALIGNED === 0 ? packed : new Uint8Array(packed);
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  // Of our own making.
  const { rows, columns } = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size))) as Head;
  const { starts } = layOut(size, columns);
  const found = new Map(
    columns.map(([name, kind, length], index) => [name, view(bytes, starts[index] ?? 0, { kind, length })]),
  );
  return {
    rows,
    find: (name) => found.get(name) ?? null,
    readJson(name) {
      const text = found.get(name);
      return text === undefined ? null : JSON.parse(new TextDecoder().decode(text));
    },
  };
}

/** The fewest bytes that hold each of them; null where all are zero. */
function fit(numbers: readonly number[]): Kind | null {
  let most = 0;
  for (const number of numbers) {
    if (number < 0) return 8;
    if (number > most) most = number;
  }
  if (most === 0) return null;
  if (most < 2 ** 8) return 1;
  if (most < 2 ** 16) return 2;
  return most < 2 ** 32 ? 4 : 8;
}

function layOut(headBytes: number, columns: Head["columns"]): { starts: number[]; end: number } {
  let end = align(4 + headBytes);
  const starts = columns.map(([, kind, length]) => {
    const start = end;
    end = align(end + kind * length);
    return start;
  });
  return { starts, end };
}

function align(bytes: number): number {
  return Math.ceil(bytes / ALIGNED) * ALIGNED;
}

function view(
  { buffer, byteOffset }: Uint8Array,
  start: number,
  { kind, length }: { kind: Kind; length: number },
): Column {
  const at = byteOffset + start;
  switch (kind) {
    case 1:
      return new Uint8Array(buffer, at, length);
    case 2:
      return new Uint16Array(buffer, at, length);
    case 4:
      return new Uint32Array(buffer, at, length);
    case 8:
      return new Float64Array(buffer, at, length);
    default:
      return kind satisfies never;
  }
}
