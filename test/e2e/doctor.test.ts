// `tokligence doctor` beside a gateway that runs: it is found, and found to work on the same database; a stranger's is told from it.

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeFolder, run, serve } from "./binary.ts";

interface Report {
  findings: { check: string; level: string; subject: string; found: string }[];
}

const readPorts = (out: string): string[] =>
  (JSON.parse(out) as Report).findings.flatMap(({ check, level, found }) =>
    check === "ports" ? [`${level}: ${found}`] : [],
  );

describe.if(process.platform === "linux")("doctor", () => {
  test("finds the gateway of this configuration, and tells one that works on another database", async () => {
    const served = await serve();
    try {
      const own = await served.run(["doctor", "--offline", "--json"]);
      const found = readPorts(own.out);
      expect(found[0]).toMatch(/^ok: a gateway runs there, version /u);
      expect(found.slice(1)).toEqual([
        "ok: is ready for requests",
        `ok: works on the same database, as process ${served.pid}`,
      ]);
      const folder = makeFolder();
      writeFileSync(join(folder, "gateway.ini"), `http_address = ${new URL(served.url).host}\nhome = ${folder}\n`);
      const env = { HOME: folder, TOKLIGENCE_HOME: folder };
      const other = await run(["doctor", "--offline", "--json", "--config", join(folder, "gateway.ini")], { env });
      expect(readPorts(other.out)[2]).toStartWith(
        `warning: the gateway there (process ${served.pid}) works on another database`,
      );
    } finally {
      await served.stop();
    }
  });
});
