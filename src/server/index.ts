// The door of the room.
export { tellClear } from "./admin/cache.ts";
export { exportChanges, findSubject } from "./admin/change.ts";
export { printStanding, printVersion } from "./admin/route.ts";
export { readDryRun } from "./dry-run.ts";
export { type RouteExplanation, explainRoute } from "./route-explain.ts";
export { isSecretText, judgeRoute, mergeRoutes } from "./route-table.ts";
export { openHealth } from "./fleet.ts";
export { answerError } from "./error.ts";
export { type App, type AppParts, createApp } from "./app.ts";
export { checkFilter, filterCapabilities, printCapabilities, probeModel } from "./capability.ts";
export { listModels } from "./models.ts";
export { makePriceRules } from "./price.ts";
export { createReader, exportRows } from "./reader/reader.ts";
export { openReading, type Reading } from "./reader/thread.ts";
export { startRetention } from "./reader/retention.ts";
export { startUpkeep } from "./reader/upkeep.ts";
export { buildScene, guardCalls } from "./scene.ts";
