// What processes take of the machine: as fine as the kernel tells it, and complete where threads end.

import { describe, expect, test } from "bun:test";
import {
  type CpuReading,
  countConnections,
  listGroup,
  readCpu,
  readRssBytes,
  spendByThread,
  spendCpuUs,
} from "../../scripts/bench/run/proc.ts";

function read(coarseUs: number, threads: Record<string, number>): CpuReading {
  return { coarseUs, threads: new Map(Object.entries(threads)) };
}

describe("time between two readings", () => {
  test("is that of all threads, to the microsecond, also of those that are new", () => {
    expect(spendCpuUs(read(500_000, { a: 400_000 }), read(510_000, { a: 404_567, b: 1_000 }))).toBe(5_567);
  });

  test("is by ticks where a thread has ended that took more than these leave unseen", () => {
    expect(spendCpuUs(read(500_000, { a: 1_000, b: 9_000 }), read(600_000, { a: 2_000 }))).toBe(100_000);
  });

  test("knows nothing of threads that ended before", () => {
    expect(spendCpuUs(read(900_000, { a: 1_000 }), read(900_000, { a: 3_500 }))).toBe(2_500);
  });
});

test.if(process.platform === "linux")("a group's processes are found, and what they take", async () => {
  const script =
    "let n = 0; for (const end = performance.now() + 150; performance.now() < end; ) n++; console.log(n); process.stdin.resume()";
  const child = Bun.spawn(["sh", "-c", `"${process.execPath}" -e '${script}'; read _`], {
    stdin: "pipe",
    stdout: "pipe",
    detached: true,
  });
  const before = readCpu(listGroup(child.pid));
  const { value } = await child.stdout.getReader().read();
  expect(Number(new TextDecoder().decode(value))).toBeGreaterThan(0);
  const members = listGroup(child.pid);
  expect(members).toContain(child.pid);
  expect(spendCpuUs(before, readCpu(members))).toBeGreaterThanOrEqual(0);
  expect(readRssBytes(members)).toBeGreaterThan(100_000);
  const threads = spendByThread({ before, after: readCpu(members) }, child.pid);
  expect(threads.filter(({ isLeader }) => isLeader)).toMatchObject([{ isFirst: true, name: "sh" }]);
  const others = threads.filter(({ isLeader }) => !isLeader);
  expect(others.filter(({ isFirst }) => isFirst)).toHaveLength(1);
  expect(Math.max(...others.map(({ cpuUs }) => cpuUs))).toBeGreaterThan(20_000);
  await child.stdin.end();
  await child.exited;
  expect(listGroup(child.pid)).toEqual([]);
});

test.if(process.platform === "linux")("connections to a port are known by the process that took them", async () => {
  const server = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data: () => undefined } });
  const open = () => Bun.connect({ hostname: "127.0.0.1", port: server.port, socket: { data: () => undefined } });
  const connections = await Promise.all([open(), open(), open()]);
  // Those that ask hold their own ends, at ports of theirs.
  expect(countConnections([process.pid, 1], server.port).get(process.pid)).toBe(3);
  for (const connection of connections) connection.end();
  server.stop(true);
});
