// Where notices go, and the mail server that some of them need: what is taken, what is refused, and what is never shown.

import { describe, expect, test } from "bun:test";
import { findShown, load, loadProblems } from "./scene.ts";

const anchors = async (text: string) => load({ files: { "config/setting.ini": `ledger_anchor=${text}` } });
const MAIL = "smtp_host=mail.example.com\nsmtp_from=gate@example.com\n";

describe("targets", () => {
  test("of every kind, paths as elsewhere", async () => {
    const text = "~/a.jsonl, heads/b.jsonl,/c , log, mailto:audit@example.com, https://h.example.com/hook";
    const { config } = await load({ files: { "config/setting.ini": `${MAIL}ledger_anchor=${text}` } });
    expect(config.ledger.anchors).toEqual([
      { kind: "file", path: "/home/ada/a.jsonl" },
      { kind: "file", path: "/srv/gate/heads/b.jsonl" },
      { kind: "file", path: "/c" },
      { kind: "log" },
      { kind: "mail", address: "audit@example.com" },
      { kind: "webhook", url: "https://h.example.com/hook" },
    ]);
  });

  test.each([
    ["https://s.example.com/{chain}/{seq}.json?sig=a%2Cb", "https://s.example.com/{chain}/{seq}.json?sig=a%2Cb"],
    ["put+https://s.example.com/newest", "https://s.example.com/newest"],
    ["http://10.0.0.1:9000/{seq}", "http://10.0.0.1:9000/{seq}"],
  ])("%s is an object store", async (text, url) => {
    expect((await anchors(text)).config.ledger.anchors).toEqual([{ kind: "object", url }]);
  });

  test.each([
    ["ftp://user:hidden@h/x", "must begin with"],
    ["https://:hidden", "cannot be read"],
    ["https://{chain}.example.com/hidden", "path and query only"],
    ["https://h/{hidden_}", "{chain} and {seq}"],
    ["file:/hidden.jsonl", "by its path alone"],
    ["file:///hidden.jsonl", "by its path alone"],
    ["mailto:hidden", "one e-mail address"],
    ["mailto:a@b.de?bcc=hidden@x.de>", "one e-mail address"],
  ])("%s is refused and not repeated", async (text, said) => {
    const { text: problem } = await loadProblems({ files: { "config/setting.ini": `ledger_anchor=/ok, ${text}` } });
    expect(problem).toContain("config/setting.ini:1: ledger_anchor: ");
    expect(problem).toContain(said);
    expect(problem).not.toContain("hidden");
  });

  test("are shown without what may be a secret, which the log will not hold either", async () => {
    const loaded = await anchors(
      "/a, https://hooks.example.com/T0/B0/hidden1, put+https://u:hidden2@s.example.com/x?s=hidden3",
    );
    expect(findShown(loaded, "ledger_anchor")).toBe("/a, https://hooks.example.com/…, put+https://s.example.com/…");
    expect(loaded.config.secrets).toContain("https://hooks.example.com/T0/B0/hidden1");
    expect(loaded.config.secrets).toContain("hidden2");
    expect(loaded.config.secrets).toContain("s=hidden3");
  });

  test("may be kept in a file of their own", async () => {
    const files = {
      "config/setting.ini": "ledger_anchor_file=/run/anchor",
      "/run/anchor": "https://h.example.com/x\n",
    };
    expect((await load({ files })).config.ledger.anchors).toEqual([
      { kind: "webhook", url: "https://h.example.com/x" },
    ]);
  });
});

describe("the mail server", () => {
  test("is none unless it is named", async () => {
    expect((await load({})).config.smtp).toBeNull();
  });

  test("needs a host and a sender; the user may be the sender", async () => {
    const text = "smtp_host=mail.example.com\nsmtp_username=gate@example.com\nsmtp_password=hidden\nsmtp_port=465";
    expect((await load({ files: { "config/setting.ini": text } })).config.smtp).toEqual({
      host: "mail.example.com",
      port: 465,
      username: "gate@example.com",
      password: "hidden",
      from: "gate@example.com",
      security: "auto",
    });
  });

  test("without user and password is one too", async () => {
    const { config } = await load({ files: { "config/setting.ini": `${MAIL}smtp_secure=none` } });
    expect(config.smtp).toMatchObject({ username: null, password: null, port: 587, security: "none" });
  });

  test.each([
    ["Gateway <Gate@Example.com>", "Gateway <gate@example.com>"],
    ["<gate@example.com>", "gate@example.com"],
    ["Tokligence Gateway (x)<gate@example.com>", null],
    ["Gateway, Inc <gate@example.com>", null],
    ["Gateway <gate>", null],
    ["a@b.de, c@d.de", null],
  ])("sends as %s", async (said, from) => {
    const files = { "config/setting.ini": `smtp_host=mail.example.com\nsmtp_from=${said}\n` };
    if (from !== null) return expect((await load({ files })).config.smtp?.from).toBe(from);
    const { text } = await loadProblems({ files });
    expect(text).toContain("smtp_from: ");
    expect(text).not.toContain("is needed too");
  });

  test.each([
    ["smtp_host=mail.example.com", "smtp_from is needed too"],
    [`${MAIL}smtp_password=hidden`, "smtp_username is needed too"],
    ["smtp_host=smtp://hidden:25", "is no host"],
    ["ledger_anchor=mailto:a@b.de", "set smtp_host"],
  ])("%s is told", async (text, said) => {
    expect((await loadProblems({ files: { "config/setting.ini": text } })).text).toContain(said);
  });
});
