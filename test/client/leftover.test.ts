// What clients leave running behind themselves when they are tried.

import { expect, test } from "bun:test";
import { endLeftovers } from "../../scripts/client/leftover.ts";

/** Says that it runs, and waits for ever. */
const start = (home: string): Bun.Subprocess<"pipe", "pipe", "inherit"> =>
  Bun.spawn(["setsid", "sh", "-c", "echo up; read never"], {
    env: { ...process.env, HOME: home },
    stdin: "pipe",
    stdout: "pipe",
  });

test.skipIf(process.platform !== "linux")(
  "a daemon of a session of its own ends, and that of another home does not",
  async () => {
    const [home, other] = ["one", "other"].map((name) => `/nowhere/${process.pid}/${name}`) as [string, string];
    const [left, stranger] = [start(home), start(other)];
    // While one program takes another's place, neither's environment is to be seen.
    for (const daemon of [left, stranger]) await daemon.stdout.getReader().read();
    endLeftovers(home);
    await left.exited;
    expect(left.signalCode).toBe("SIGKILL");
    expect(stranger.exitCode).toBeNull();
    endLeftovers(other);
    await stranger.exited;
  },
);
