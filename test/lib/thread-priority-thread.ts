// The thread of thread-priority.test.ts: steps back, and says where it is.

import { readlinkSync } from "node:fs";
import { getPriority } from "node:os";
import { basename } from "node:path";
import { yieldToOthers } from "../../src/lib/thread-priority.ts";

declare const self: Worker;

yieldToOthers(3);
const isLinux = process.platform === "linux";
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- threads have no origin
self.postMessage(getPriority(isLinux ? Number(basename(readlinkSync("/proc/thread-self"))) : 0));
