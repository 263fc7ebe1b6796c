// What clients leave running behind themselves when they are tried.

import { expect, test } from "bun:test";
import { endLeftovers } from "../../scripts/client/leftover.ts";

test.skipIf(process.platform !== "linux")(
  "a daemon of a session of its own ends, and that of another home does not",
  async () => {
    const [home, other] = ["one", "other"].map((name) => `/nowhere/${process.pid}/${name}`) as [string, string];
    const [left, stranger] = [home, other].map((folder) =>
      Bun.spawn(["setsid", "sleep", "60"], { env: { ...process.env, HOME: folder } }),
    ) as [Bun.Subprocess, Bun.Subprocess];
    endLeftovers(home);
    await left.exited;
    expect(left.signalCode).toBe("SIGKILL");
    expect(stranger.exitCode).toBeNull();
    endLeftovers(other);
    await stranger.exited;
  },
);
