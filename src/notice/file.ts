// A notice as a line of JSON at the end of a file: for a mounted share, or a drive that only appends. Knows no other channel.

import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Send } from "./notice.ts";

/** Makes folder (0700) and file (0600) where they are missing; what is there keeps its mode. Durable when it resolves. */
export const sendToFile: Send<{ path: string }> = async ({ path }, { data }) => {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const file = await open(path, "a", 0o600);
  try {
    await file.write(`${JSON.stringify(data)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
};
