// The room's door: what the rest of the program uses of the configuration.

export { findAddress } from "./address.ts";
export { checkSetting } from "./check.ts";
export { isCredential, readDeclaredProvider } from "./declared.ts";
export type { DeclaredProvider } from "./declared.ts";
export { readLimit } from "./limit.ts";
export { loadConfig } from "./load.ts";
export type { Loaded, LoadOptions } from "./load.ts";
export { ConfigError } from "./problem.ts";
export type { Problem } from "./problem.ts";
export { listStrayLabels } from "./provider-pool.ts";
export { readRoute } from "./route.ts";
export type { EffectiveValue } from "./read.ts";
export { diffReload, findSettingObstacle, needsRestart } from "./reload.ts";
export type { Difference } from "./reload.ts";
export { maskSource } from "./source.ts";
export type { Config } from "./value.ts";
export { watchConfig } from "./watch.ts";
export type { WatchOptions } from "./watch.ts";
export { printOverlayTemplate, printSettingTemplate } from "./template.ts";
export type { Given } from "./template.ts";
