// What is alive in this process after a collection, by its kind. Knows nothing of what it is for.

export interface Living {
  /** Of all but compiled code: how much of that there is goes by how often what was run. */
  bytes: number;
  objects: number;
  codeBytes: number;
  byKind: Readonly<Record<string, { count: number; bytes: number }>>;
}

/** Each node is so many numbers: its id, its size, its kind and its flags. */
const FIELDS = 4;

export function countLiving(): Living {
  Bun.gc(true);
  const { nodes, nodeClassNames } = Bun.generateHeapSnapshot();
  const byKind: Record<string, { count: number; bytes: number }> = {};
  for (let at = 0; at < nodes.length; at += FIELDS) {
    const kind = nodeClassNames[nodes[at + 2] ?? -1] ?? "";
    const sum = (byKind[kind] ??= { count: 0, bytes: 0 });
    sum.count++;
    sum.bytes += nodes[at + 1] ?? 0;
  }
  const living: Living = { bytes: 0, objects: 0, codeBytes: 0, byKind };
  for (const [kind, { count, bytes }] of Object.entries(byKind)) {
    if (kind.endsWith("CodeBlock")) living.codeBytes += bytes;
    else {
      living.bytes += bytes;
      living.objects += count;
    }
  }
  return living;
}
