// What the daemon starts itself anew with, and when it has; and that the runtime takes it.

import { expect, spyOn, test } from "bun:test";
import { completeEnvironment, renewProcess } from "../../src/cli/renew.ts";
import { capture } from "./desk.ts";

test("what is missing is added, what the operator has set stays, and the second start finds nothing missing", () => {
  const env = { PATH: "/bin", BUN_JSC_smallHeapGrowthFactor: "3" };
  const complete = completeEnvironment(env);
  expect(complete).toMatchObject({ ...env, BUN_CONFIG_MAX_HTTP_REQUESTS: "16384" });
  expect(completeEnvironment(complete ?? {})).toBeNull();
  const { BUN_JSC_heapGrowthMaxIncrease: _, ...short } = complete ?? {};
  expect(completeEnvironment(short)).toEqual(complete);
});

test("where the system starts no program, it serves as it is, and says what is missing", async () => {
  const execve = spyOn(process, "execve").mockImplementation(() => {
    throw Object.assign(new Error("no"), { code: "ENOEXEC" });
  });
  const outer = process.env["BUN_JSC_smallHeapGrowthFactor"];
  delete process.env["BUN_JSC_smallHeapGrowthFactor"];
  try {
    const codes: (number | null)[] = [];
    const { err } = await capture(async () => {
      codes.push(await renewProcess());
      return 0;
    });
    expect([execve.mock.calls.length, codes]).toEqual([1, [null]]);
    expect(err).toMatch(/^warning: .*ENOEXEC.*BUN_CONFIG_MAX_HTTP_REQUESTS=16384/u);
  } finally {
    execve.mockRestore();
    if (outer !== undefined) process.env["BUN_JSC_smallHeapGrowthFactor"] = outer;
  }
});

test("the runtime knows all of it: of a name that it does not know it says so, and ends", () => {
  const start = (env: Readonly<Record<string, string | undefined>>) =>
    Bun.spawnSync([process.execPath, "-e", "console.log(6 * 7)"], { env: { ...process.env, ...env } });
  expect(start(completeEnvironment({}) ?? {}).stdout.toString()).toBe("42\n");
  expect(start({ BUN_JSC_noSuchOption: "1" }).exitCode).not.toBe(0);
});
