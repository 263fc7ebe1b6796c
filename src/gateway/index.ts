// The door of the room.
export { type Call, type GatewayTools, type Scene, parseBody } from "./call.ts";
export {
  type Capability,
  FEATURES,
  type ProbedProvider,
  SURFACES,
  type Verdict,
  probeCapabilities,
} from "./capability.ts";
export { type Capture, createCapture } from "./capture.ts";
export { createAnswerCache } from "./cache/cache.ts";
export { handleReusable } from "./cache/handle.ts";
export { createSharing } from "./cache/sharing.ts";
export { type AnswerShelf, type StoredAnswer, createMemoryShelf } from "./cache/store.ts";
export { type Catalog, createCatalog } from "./catalog.ts";
export { countInput } from "./count-input.ts";
export { type KeptRequest, cancelAnswer, listInput, removeAnswer, showAnswer } from "./kept.ts";
export { type Memory, createMemory } from "./memory.ts";
export { createMirrors } from "./mirror.ts";
export { askForToken, lookAtModels } from "./probe.ts";
export { createBindings } from "./rest/binding.ts";
export type { Arrival, RestCall } from "./rest/call.ts";
export { handleRest } from "./rest/handle.ts";
export { handlePassthrough } from "./rest/passthrough.ts";
export { type SocketTools, openSession } from "./socket/handle.ts";
export type { Connect, Session } from "./socket/type.ts";
export { findTarget, unknownModel } from "./plan.ts";
export { type Decision, type Router, createRouter } from "./route.ts";
export type { Fetch } from "./send.ts";
export { type Control, type Controls, openControls } from "./way/control.ts";
export { type Finding, type Fleet, type PlaceName, type PlaceState, createFleet } from "./way/fleet.ts";
export { type News, type OpenSharing, readNews } from "./way/sharing.ts";
export { createRetryBudgets } from "./way/retry.ts";
