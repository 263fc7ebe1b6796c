// An end of the record of changes that was cut off everywhere on the machine is proved with the head that went off it: by each way that heads go, on
// both engines.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { nameApart } from "../../../src/cli/anchor.ts";
import { readHeads } from "../../../src/ledger/index.ts";
import type { Target } from "../../../src/notice/index.ts";
import { type MailServer, openMailServer } from "../../mail-server.ts";
import { createDatabase, hasPostgres } from "../../postgres.ts";
import { makeRecord, type Recorded } from "./record.ts";

const KINDS = ["file", "mail", "object", "webhook"] as const;

describe.each(["sqlite", "postgres"] as const)("on %s", (engine) => {
  const runs = engine === "sqlite" || hasPostgres;
  let record: Recorded;
  let mail: MailServer;
  let server: ReturnType<typeof Bun.serve>;
  const objects: { path: string; body: string }[] = [];
  const posted: string[] = [];
  const placeOf = (kind: string): string => join(record.desk.folder, `kept-${kind}.json`);

  beforeAll(async () => {
    if (!runs) return;
    record = makeRecord(engine === "postgres" ? await createDatabase() : undefined);
    mail = await openMailServer("", { authOptional: true, hideSTARTTLS: true });
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      async fetch(request) {
        const body = await request.text();
        if (request.method === "PUT") objects.push({ path: new URL(request.url).pathname, body });
        else posted.push(body);
        return new Response("ok");
      },
    });
    const targets = nameApart([
      { kind: "file", path: placeOf("file") },
      { kind: "mail", address: "audit@example.com" },
      { kind: "object", url: `http://127.0.0.1:${server.port}/heads/{seq}.json` },
      { kind: "webhook", url: `http://127.0.0.1:${server.port}/hook` },
    ] satisfies Target[]);
    const smtp = { host: "127.0.0.1", port: mail.port, username: null, password: null, from: "gate@example.com" };
    await record.write(10, true, { targets, smtp: { ...smtp, security: "none" } });
    writeFileSync(placeOf("mail"), mail.mails[0]?.attachments[0]?.content ?? "");
    writeFileSync(placeOf("object"), objects[0]?.body ?? "");
    writeFileSync(placeOf("webhook"), posted[0] ?? "");
    // Nobody on the machine remembers what came behind the sixth change.
    for (const statement of [
      "delete from audit_changes where seq > 6",
      "update audit_chain set seq = 6, hash = (select hash from audit_changes where seq = 6)",
      "delete from audit_heads",
    ])
      await record.tamper(statement);
    record.writeHeads("");
  });
  afterAll(async () => {
    record?.desk.close();
    await mail?.close();
    await server?.stop(true);
  });

  test.skipIf(!runs)("without one, nothing is missed", async () => {
    expect(await record.verify()).toMatchObject({ ok: true, rows: 6 });
  });

  test.skipIf(!runs).each(KINDS)("%s", async (kind) => {
    const text = readFileSync(placeOf(kind), "utf8");
    expect(readHeads(text).heads.map(({ head }) => [head.seq, head.reason])).toEqual([[10, "interval"]]);
    const { code, findings } = await record.verify("--head", placeOf(kind));
    expect(code).toBe(1);
    expect(findings).toContainEqual(expect.objectContaining({ kind: "truncated", seq: 7, to_seq: 10 }));
    // One whose signature does not hold proves nothing but that somebody was at it.
    const forged = placeOf("forged");
    writeFileSync(forged, text.replace('"seq":10', '"seq":9').replace('"seq": 10', '"seq": 9'));
    expect((await record.verify("--head", forged)).findings.map((finding) => finding.kind)).toEqual(["head_altered"]);
  });

  test.skipIf(!runs)("objects of several chains do not take each other's names", () => {
    expect(objects.map(({ path }) => path)).toEqual([expect.stringMatching(/^\/heads\/changes-[-\da-f]+-10\.json$/u)]);
  });

  test.skipIf(!runs)("the books' heads in the same place are the other command's", async () => {
    const file = placeOf("file");
    const refused = await record.desk.run(["ledger", "verify", "--head", file]);
    expect(refused).toMatchObject({ code: 2, err: expect.stringContaining("tokligence admin audit verify takes") });
  });
});
