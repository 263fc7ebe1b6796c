// What tells a container from a machine.

import { expect, test } from "bun:test";
import { isInContainer } from "../../src/lib/container.ts";

const nowhere = (): boolean => false;

test.each<[string, Record<string, string>, string | null]>([
  ["Docker", {}, "/.dockerenv"],
  ["Podman", {}, "/run/.containerenv"],
  ["LXC with systemd", {}, "/run/systemd/container"],
  ["Podman without its file", { container: "podman" }, null],
  ["LXC without systemd", { container: "lxc" }, null],
  ["a pod of Kubernetes on containerd", { KUBERNETES_SERVICE_HOST: "10.96.0.1" }, null],
])("%s is one", (_name, env, file) => {
  expect(isInContainer(env, (path) => path === file)).toBe(true);
});

test("a machine is none", () => {
  expect(isInContainer({ HOME: "/home/ann", container: "" }, nowhere)).toBe(false);
});
