// Changed files are noticed on a real disk: changed in place, put in place by renaming, and appearing where there was none.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { watchConfig } from "../../src/config/index.ts";
import { listWanted } from "../../src/config/watch.ts";

let root = "";
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tokligence-watch-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** Each call of `next` resolves with one more change. */
async function start(paths: readonly string[], answer: () => readonly string[] | void = () => undefined) {
  const waiting: (() => void)[] = [];
  let unseen = 0;
  const errors: unknown[] = [];
  const stop = await watchConfig({
    paths,
    quietMs: 10,
    onError: (error) => void errors.push(error),
    onChange: () => {
      const resolve = waiting.shift();
      if (resolve === undefined) unseen += 1;
      else resolve();
      return answer();
    },
  });
  const next = (): Promise<void> => {
    if (unseen > 0) {
      unseen -= 1;
      return Promise.resolve();
    }
    return new Promise((resolve) => waiting.push(resolve));
  };
  return { next, stop, errors };
}

test("a file that is written, replaced by renaming, and removed", async () => {
  const path = join(root, "setting.ini");
  writeFileSync(path, "log_level=info");
  const { next, stop, errors } = await start([path]);
  writeFileSync(path, "log_level=warn");
  await next();
  for (const level of ["error", "debug"]) {
    writeFileSync(`${path}.new`, `log_level=${level}`);
    renameSync(`${path}.new`, path);
    await next();
  }
  rmSync(path);
  await next();
  await stop();
  expect(errors).toEqual([]);
});

test("a file that was not there, nor its folders", async () => {
  const path = join(root, "config", "dev", "gateway.ini");
  const { next, stop } = await start([path]);
  mkdirSync(join(root, "config", "dev"), { recursive: true });
  writeFileSync(path, "log_level=warn");
  await next();
  writeFileSync(path, "log_level=error");
  await next();
  await stop();
});

test("files that are links into a folder which is exchanged, as Kubernetes mounts them", async () => {
  const put = (version: string): void => {
    mkdirSync(join(root, version));
    writeFileSync(join(root, version, "setting.ini"), `log_file=${version}`);
    symlinkSync(version, join(root, "..tmp"));
    renameSync(join(root, "..tmp"), join(root, "..data"));
  };
  put("..1");
  symlinkSync("..data/setting.ini", join(root, "setting.ini"));
  const { next, stop } = await start([join(root, "setting.ini")]);
  put("..2");
  rmSync(join(root, "..1"), { recursive: true });
  await next();
  await stop();
});

test("a file that the new configuration names for the first time", async () => {
  mkdirSync(join(root, "run"));
  const [first, second] = [join(root, "a.ini"), join(root, "run", "key.txt")];
  writeFileSync(first, "1");
  writeFileSync(second, "1");
  const { next, stop } = await start([first], () => [first, second]);
  writeFileSync(first, "22");
  await next();
  // Nobody says when an added path is watched, so it is written until it is noticed.
  const timer = setInterval(() => writeFileSync(second, String(Math.random())), 20);
  await next();
  clearInterval(timer);
  await stop();
});

test("an error of whoever is told is handed on, and the next change still comes", async () => {
  const path = join(root, "a.ini");
  writeFileSync(path, "1");
  let calls = 0;
  const { next, stop, errors } = await start([path], () => {
    calls += 1;
    if (calls === 1) throw new Error("bad file");
  });
  writeFileSync(path, "22");
  await next();
  writeFileSync(path, "333");
  await next();
  await stop();
  expect(errors.map(String)).toEqual(["Error: bad file"]);
});

test("Windows' paths are known by either slash", () => {
  const wanted = listWanted(["C:\\a\\config\\setting.ini", "C:\\a\\keys"]);
  const paths = ["C:/a/config/setting.ini", "C:\\a\\keys\\b.txt", "C:/a", "C:\\a\\config", "C:/", "C:/a/config/b.ini"];
  expect(paths.map(wanted.has)).toEqual([true, true, false, false, false, false]);
  expect(paths.map(wanted.isOnTheWay)).toEqual([true, true, true, true, true, false]);
});
