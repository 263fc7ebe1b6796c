// Notices that wait, kept in a file: a gateway that ends before they have arrived tells them the next time. Knows no channel.

import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import type { Notice } from "./notice.ts";

export interface Waiting {
  /** Whom it is for, by a name that tells nothing. */
  target: string;
  notice: Notice;
}

export interface NoticeShelf {
  /** What an earlier process left; nothing where nothing can be read. */
  load(): Waiting[];
  /** In place of what was there. Throws where it cannot be kept. */
  save(all: readonly Waiting[]): void;
}

/** The file is there only while something waits. */
export function openNoticeShelf(path: string): NoticeShelf {
  return {
    load() {
      try {
        const found: unknown = JSON.parse(readFileSync(path, "utf8"));
        return Array.isArray(found) ? found.filter(isWaiting) : [];
      } catch {
        return [];
      }
    },
    save(all) {
      if (all.length === 0) return rmSync(path, { force: true });
      writeFileSync(`${path}.part`, JSON.stringify(all), { mode: 0o600 });
      renameSync(`${path}.part`, path);
    },
  };
}

function isWaiting(value: unknown): value is Waiting {
  if (!isRecord(value) || typeof value["target"] !== "string" || !isRecord(value["notice"])) return false;
  const { subject, text, data, level } = value["notice"];
  return (
    typeof subject === "string" && typeof text === "string" && isRecord(data) && (level === "info" || level === "warn")
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
