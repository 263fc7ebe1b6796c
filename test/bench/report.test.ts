// What the bench says of what it measured: what each adds, what makes a run void, and how figures stand in a table.

import { describe, expect, test } from "bun:test";
import { HELP, readOptions } from "../../scripts/bench/run/option.ts";
import type { Round } from "../../scripts/bench/run/round.ts";
import { listFaults, summarize } from "../../scripts/bench/report/summary.ts";
import { printCount, printMs, printTable } from "../../scripts/bench/report/table.ts";
import { QUICK, SCENARIOS, USUAL } from "../../scripts/bench/scenario/index.ts";

function makeRound(p50: number, changes: Partial<Round> = {}): Round {
  return {
    requests: 1_000,
    errors: {},
    unsent: 0,
    seconds: 2,
    latency: { count: 999, p50, p90: p50 * 2, p99: p50 * 3, p999: p50 * 4 },
    first: null,
    piece: null,
    pieces: 0,
    late: null,
    cpuUs: 35,
    pieceCpuUs: Number.NaN,
    threads: [],
    connections: new Map(),
    loadUs: 9,
    upstreamUs: 7,
    busy: { peer: 1, load: 0.5, upstream: 0.3 },
    foreign: { others: 0.02, stolen: 0 },
    rssBytes: 60e6,
    missingRows: 0,
    strayCalls: 0,
    ...changes,
  };
}

describe("a summary", () => {
  test("says what is added in the same round, which is not the difference of the medians", () => {
    const summary = summarize(
      [makeRound(150), makeRound(260), makeRound(170)],
      [makeRound(50), makeRound(100), makeRound(60)],
    );
    expect(summary.added.p50).toEqual({ median: 110, least: 100, most: 160 });
    expect(summary.perSecond).toEqual({ median: 500, least: 500, most: 500 });
    expect(summary.latency.p90).toEqual({ median: 340, least: 300, most: 520 });
  });

  test("says nothing of a percentile that too few requests are behind", () => {
    const { added } = summarize([makeRound(150)], [makeRound(50)]);
    expect(added.p99).toEqual({ median: 300, least: 300, most: 300 });
    expect(added.p999).toBeNull();
    expect(summarize([makeRound(150)], []).added.p50).toBeNull();
  });

  test("tells who fell behind, and where the bench itself was the limit", () => {
    expect(summarize([makeRound(1, { unsent: 1 })], []).notes).toEqual(["does not keep up"]);
    const busy = { peer: 0.5, load: 0.6, upstream: 0.35 };
    expect(summarize([makeRound(1, { busy })], []).notes).toEqual(["the bench was the limit"]);
    expect(summarize([makeRound(1)], []).notes).toEqual([]);
  });
});

describe("a run is void", () => {
  test.each([
    [{ errors: { "status 500": 3 } }, "3 requests failed (status 500)"],
    [{ missingRows: 2 }, "2 rows are missing from the ledger"],
    [{ missingRows: -1 }, "1 rows of the ledger are of no request that was answered"],
    [{ strayCalls: 4 }, "4 calls came to the provider beyond those that were answered"],
    [{ strayCalls: -4 }, "4 answers did not come from the provider"],
  ] satisfies [Partial<Round>, string][])("with %j", (changes, said) => {
    const rounds = [makeRound(1), makeRound(1, changes), makeRound(1)];
    expect(listFaults(summarize(rounds, []).faults)).toEqual([said]);
  });

  test("also where one round's missing rows would be made up for by another's", () => {
    const rounds = [makeRound(1, { missingRows: 2 }), makeRound(1, { missingRows: -2 })];
    expect(listFaults(summarize(rounds, []).faults)).toHaveLength(1);
  });

  test("with nothing else", () => {
    expect(listFaults(summarize([makeRound(1), makeRound(1, { missingRows: null })], []).faults)).toEqual([]);
  });
});

describe("a table", () => {
  test("leaves out what nobody has, and stands in columns", () => {
    const table = printTable(
      ["", "req/s", "none"],
      [
        ["direct", "10,000", ""],
        ["a", "5", ""],
      ],
    );
    expect(table.split("\n")).toEqual([
      "|        |  req/s |",
      "| ------ | -----: |",
      "| direct | 10,000 |",
      "| a      |      5 |",
    ]);
  });

  test("gives each figure with how far the rounds lie apart", () => {
    expect(printCount({ median: 12_345.6, least: 12_000, most: 12_800 })).toBe("12,346 ±3%");
    expect(printMs({ median: 112, least: 110, most: 118 })).toBe("0.112 ±0.004");
    expect(printMs({ median: 12_340, least: 12_000, most: 13_000 })).toBe("12.3 ±0.5");
    expect(printMs(null)).toBe("");
  });
});

describe("options", () => {
  test("none: what is in the table of README, by all who take part as a rule", () => {
    const { scenarios, peers, rounds } = readOptions([]);
    expect([...scenarios.keys()]).toEqual([...USUAL]);
    expect([...peers.keys()]).toContain("nginx");
    expect([...peers.keys()]).toContain("tokligence-postgres-disk");
    expect(rounds).toBe(5);
  });

  test("name scenarios by how they begin, and only who is needed is started", () => {
    const { scenarios, peers } = readOptions(["--scenario", "chat-1k,loopback", "--only", "tokligence,nginx"]);
    expect([...scenarios.keys()].every((id) => id.startsWith("chat-1k-") || id === "loopback")).toBe(true);
    expect([...peers.keys()]).toEqual(["nginx", "tokligence"]);
    expect([...readOptions(["--scenario", "loopback"]).peers.keys()]).toEqual(["tokligence"]);
    expect([...readOptions(["--quick"]).scenarios.keys()]).toEqual([...QUICK]);
  });

  test("leave out what nobody takes part in who is asked for", () => {
    const { scenarios } = readOptions(["--only", "nginx"]);
    expect([...scenarios.keys()]).toContain("chat-1k-c1");
    expect([...scenarios.keys()]).not.toContain("loopback");
    expect([...scenarios.keys()]).not.toContain("ledger-c32");
  });

  test("take further peers", () => {
    const { peers, usual } = readOptions([
      "--quick",
      "--peer",
      "litellm=http://127.0.0.1:4000",
      "--peer-key",
      "litellm=sk-1",
    ]);
    expect([peers.get("litellm")?.about, usual.includes("litellm")]).toEqual(["http://127.0.0.1:4000", true]);
  });

  test.each([
    [["--scenario", "nothing"], "no scenario nothing"],
    [["--only", "nobody"], "Nobody here is called nobody"],
    [["--scenario", ","], "--scenario names nobody and nothing"],
    [["--only", ","], "--only names nobody and nothing"],
    [["--only", "nginx", "--scenario", "chat-1k,loopback"], "Nobody of --only takes part in loopback."],
    [["--rounds=-1"], "--rounds is a whole number from 1"],
    [["--rounds=1.5"], "--rounds is a whole number from 1"],
    [["--seconds=0"], "--seconds is a number above 0"],
    [["--upstream-port=99999"], "--upstream-port is a whole number from 1 to 65535"],
    [["--peer-key", "litellm=sk-1"], "There is no --peer litellm=URL"],
    [["--peer", "nginx=http://127.0.0.1:80"], "has the name of one that is here already"],
    [["--peer", "litellm=https://127.0.0.1:4000"], "needs an address"],
    [["--peer", "litellm"], "--peer is NAME=VALUE"],
    [["--peer", "litellm=4000"], "needs an address"],
  ])("%j are refused", (words, why) => {
    expect(() => readOptions(words)).toThrow(why);
  });

  test("are all in the help, and so are all scenarios", () => {
    for (const id of Object.keys(SCENARIOS)) expect(HELP).toContain(id);
  });
});
