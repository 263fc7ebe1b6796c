// The door of the room.
export { type Call, type GatewayTools, type Scene, parseBody, refuseRepeatedAnywhere } from "./call.ts";
export {
  type Capability,
  FEATURES,
  type ProbedProvider,
  SURFACES,
  type Verdict,
  probeCapabilities,
} from "./capability.ts";
export { LONG_CALL_MS } from "./books.ts";
export { type Capture, createCapture } from "./capture.ts";
export { createAnswerCache } from "./cache/cache.ts";
export { handleReusable } from "./cache/handle.ts";
export { isStream } from "./cache/replay.ts";
export { createSharing } from "./cache/sharing.ts";
export { type AnswerShelf, type StoredAnswer, createMemoryShelf } from "./cache/store.ts";
export { type Catalog, createCatalog, readListing } from "./catalog.ts";
export { countInput } from "./count-input.ts";
export * from "./limit/index.ts";
export { type KeptRequest, cancelAnswer, listInput, removeAnswer, showAnswer } from "./kept.ts";
export {
  type Judgement,
  type OpenProvider,
  type ProviderBook,
  type ProviderChange,
  type ProviderFields,
  type ProviderStore,
  type ProviderVersion,
  type SaidSecrets,
  createProviderBook,
} from "./declared/book.ts";
export type { OpenSecret, SecretKeys } from "./declared/secret.ts";
export { type Memory, createMemory } from "./memory.ts";
export { type Hedges, createHedges } from "./hedge.ts";
export { createMirrors } from "./mirror.ts";
export { type Rights, findEnd, openLongPresence } from "./presence.ts";
export { askForToken, lookAtModels } from "./probe.ts";
export { createBindings } from "./rest/binding.ts";
export type { Arrival, RestCall } from "./rest/call.ts";
export { followObjects } from "./rest/follow.ts";
export { handleNamed } from "./rest/named.ts";
export { handlePassthrough } from "./rest/passthrough.ts";
export { type SocketTools, openSession } from "./socket/handle.ts";
export type { Connect, Session } from "./socket/type.ts";
export { type FactCall as DryCall, openFacts } from "./facts.ts";
export { costAt, makeChoice } from "./order.ts";
export { narrowScene } from "./narrow.ts";
export { planFor } from "./plan.ts";
export { type Asked, type Target, findTarget, unknownModel, unlistedModel } from "./target.ts";
export { findLack, makeReady } from "./ready.ts";
export { LATEST_MS, resumeCorrections } from "./resume.ts";
export { type Decision, type Router, type WayTarget, createRouter } from "./route.ts";
export type { Fetch } from "./send.ts";
export { type Admission, createAdmission } from "./way/admission.ts";
export { type Gate, type GateName, type GateRules, type MakeGate, createGate } from "./way/gate.ts";
export { type RouteBook, type RouteChange, type RouteStore, type RouteVersion, createRouteBook } from "./way/book.ts";
export type { RequestFacts } from "./way/condition.ts";
export { type Control, type Controls, openControls } from "./way/control.ts";
export { overrule, setDeadlines } from "./way/deadline.ts";
export {
  type Finding,
  type Fleet,
  type FleetView,
  type KeyState,
  type PlaceName,
  type PlaceState,
  createFleet,
} from "./way/fleet.ts";
export { mergeKeys, mergePlaces, shiftParked, shiftPlace } from "./way/merge.ts";
export { type Dial, type Knocker, connectInTime, createKnocker, watchConnecting } from "./way/knock.ts";
export { type News, type OpenSharing, type Sharing as HealthSharing, readNews } from "./way/sharing.ts";
export { listKeys } from "./way/pool.ts";
export { createRetryBudgets } from "./way/retry.ts";
