// `tokligence doctor` and what is outside of the machine: providers, mail and identity servers, Redis and PostgreSQL, well and away.

import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CERTIFICATE, PRIVATE_KEY } from "../config/tls.ts";
import { openMailServer } from "../mail-server.ts";
import { createDatabase, hasPostgres } from "../postgres.ts";
import { hasRedis, startRedis } from "../redis.ts";
import { atEnd, desk, examine, firstUse, of, renew, serve, setting, useMachines } from "./doctor-scene.ts";

useMachines();

describe("what is outside", () => {
  const GOOD = "sk-canary-good-doctor-key";
  const BAD = "sk-canary-bad-doctor-key";

  test("providers are asked with each key and never at a price, clocks are compared, and no secret is told", async () => {
    const asked: string[] = [];
    const url = serve((request) => {
      asked.push(`${request.method} ${new URL(request.url).pathname}`);
      const isGood = request.headers.get("authorization") === `Bearer ${GOOD}`;
      const headers = { date: new Date(Date.now() - 3_600_000).toUTCString() };
      return isGood
        ? Response.json({ object: "list", data: [{ id: "m", object: "model" }] }, { headers })
        : Response.json({ error: { message: `Incorrect: ${BAD}` } }, { status: 401, headers });
    });
    setting(`[provider.acme]\ntype = compatible\nbase_url = ${url}/v1\napi_key.good = ${GOOD}\napi_key.bad = ${BAD}`);
    setting(`[provider.lone]\ntype = compatible\nbase_url = ${url}/v1\napi_key = ${BAD}`);
    setting("[provider.dead]\ntype = compatible\nbase_url = http://127.0.0.1:9/v1\napi_key = sk-canary-dead-key");
    setting("[provider.bare]\ntype = groq");
    const report = await examine();
    const found = of(report, "providers");
    expect(found).toContainEqual(expect.stringContaining("ok: acme, key good: lists 1 models"));
    expect(found).toContainEqual(expect.stringMatching(/^warning: acme, key bad: .*401/u));
    expect(found).toContainEqual(expect.stringMatching(/^error: lone: .*401/u));
    expect(found).toContainEqual(expect.stringMatching(/^error: dead: .*ECONNREFUSED/u));
    expect(found).toContainEqual("error: bare: cannot be called as it is");
    expect(found).toContainEqual("note: openai: has no key");
    // A date is told in whole seconds, and one may end in between.
    expect(of(report, "clock").join()).toMatch(/acme is 3(?:599|600|601) s behind this machine/u);
    expect(new Set(asked)).toEqual(new Set(["GET /v1/models"]));
    const shown = await desk.run("doctor");
    expect(report.raw + shown.out + shown.err).not.toContain("canary");
    asked.length = 0;
    await examine("--offline");
    expect(asked).toEqual([]);
  });

  test("a provider that was taken out of service is not asked", async () => {
    const asked: string[] = [];
    const url = serve(({ url: at }) => {
      asked.push(at);
      return Response.json({ data: [] });
    });
    setting(`[provider.acme]\ntype = compatible\nbase_url = ${url}/v1\napi_key = ${GOOD}`);
    await desk.read("admin providers disable acme");
    expect(of(await examine(), "providers").join()).toContain("note: acme: was taken out of service");
    expect(asked).toEqual([]);
  });

  test("a mail server is signed in at, and gets no mail", async () => {
    const server = await openMailServer("canary-smtp-password", { authOptional: true, hideSTARTTLS: true });
    atEnd(() => server.close());
    setting(`smtp_host = 127.0.0.1\nsmtp_port = ${server.port}\nsmtp_from = a@b.test\nsmtp_secure = none`);
    const path = join(desk.folder, "config/setting.ini");
    const plain = readFileSync(path, "utf8");
    setting("smtp_username = us\nsmtp_password = canary-smtp-password");
    expect(of(await examine(), "mail")[0]).toContain("answers and takes our sign-in");
    writeFileSync(path, `${plain}smtp_username = us\nsmtp_password = canary-smtp-wrong\n`);
    const report = await examine();
    expect(of(report, "mail")[0]).toMatch(/^error: 127\.0\.0\.1:\d+: .*Invalid sign-in/u);
    expect(report.raw).not.toContain("canary");
    expect(server.users).toEqual(["us", "us"]);
    expect(server.mails).toEqual([]);
  });

  test("a certificate that nobody vouches for is said to be one, and where its authority is named", async () => {
    const server = await openMailServer("canary-smtp-password", { authOptional: true });
    atEnd(() => server.close());
    const idp = Bun.serve({ port: 0, tls: { key: PRIVATE_KEY, cert: CERTIFICATE }, fetch: () => Response.json({}) });
    atEnd(() => idp.stop(true));
    setting(`smtp_host = 127.0.0.1\nsmtp_port = ${server.port}\nsmtp_from = a@b.test`);
    setting(`oidc_issuer = https://127.0.0.1:${idp.port}\noidc_client_id = us\noidc_domains = *`);
    setting(`[provider.acme]\ntype = compatible\nbase_url = https://127.0.0.1:${idp.port}/v1\napi_key = ${GOOD}`);
    const { findings } = await examine();
    for (const check of ["mail", "oidc", "providers"]) {
      const found = findings.find((each) => each.check === check && each.level === "error");
      expect([check, found?.level]).toEqual([check, "error"]);
      expect(found?.found).toMatch(/self[- ]signed certificate/u);
      expect(found?.remedy).toContain("NODE_EXTRA_CA_CERTS");
    }
  });

  test("an identity provider must be the issuer that it is configured as", async () => {
    let issuer = "";
    const url = serve(() =>
      Response.json({ issuer, authorization_endpoint: `${issuer}/auth`, token_endpoint: `${issuer}/token` }),
    );
    setting(`oidc_issuer = ${url}\noidc_client_id = us\noidc_domains = *\npublic_url = http://127.0.0.1:8081`);
    issuer = url;
    expect(of(await examine(), "oidc")[0]).toBe(`ok: ${url}: describes itself, and as this issuer`);
    issuer = "http://127.0.0.1:1";
    expect(of(await examine(), "oidc")[0]).toStartWith(`error: ${url}: does not describe itself as it should`);
  });

  test.if(hasRedis)("Redis is asked how quickly it answers, and may be away", async () => {
    const redis = await startRedis();
    setting(`redis_url = ${redis.url}`);
    const report = await examine("--offline");
    expect(of(report, "redis")[0]).toMatch(/^ok: Redis at 127\.0\.0\.1:\d+: version [\d.]+, answers in [\d.]+ ms$/u);
    expect(of(report, "clock")[0]).toStartWith("ok: clock: agrees with 1 other");
    await redis.stop();
    const away = await examine("--offline");
    expect(of(away, "redis")[0]).toMatch(/^warning: Redis at .* cannot be reached/u);
    expect(report.raw + away.raw).not.toContain("canary");
  });

  test.if(hasPostgres)("PostgreSQL is measured, and may be away", async () => {
    const dsn = await createDatabase();
    desk.close();
    renew(dsn);
    setting("db_max_open_conns = 5000");
    const empty = await examine("--offline");
    expect(of(empty, "database").join()).toContain("is empty");
    await firstUse();
    const found = of(await examine("--offline"), "database");
    expect(found[0]).toMatch(
      /^ok: PostgreSQL at .*: version \d+.*, answers in [\d.]+ ms, \d+ of \d+ connections in use/u,
    );
    expect(found[1]).toMatch(/^error: .*: each gateway opens up to 5000 connections/u);
    expect(found).toHaveLength(2);
    const away = new URL(dsn);
    [away.port, away.password] = ["9", "canary-dsn-password"];
    const path = join(desk.folder, "config/setting.ini");
    writeFileSync(path, readFileSync(path, "utf8").replace(dsn, away.href));
    const report = await examine("--offline");
    expect(of(report, "database")[0]).toMatch(/^error: PostgreSQL at .*does not answer/u);
    expect(of(report, "disk")).not.toEqual([]);
    expect(report.raw).not.toContain("canary");
  });
});
