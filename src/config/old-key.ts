// Settings of the gateway's earlier editions that change nothing in this one, each with the reason. Knows no file and no layer.
// They are accepted so that old files keep working, and named in a warning so that nobody trusts in them.

export interface OldKey {
  /** Completes "<key> has no effect: …". */
  reason: string;
  /** The value of a switch that is fulfilled as things are, so that nothing need be said. */
  fulfilledBy?: boolean;
  /** Old variables besides `TOKLIGENCE_<KEY>`. */
  env?: readonly string[];
}

const MARKETPLACE = "this version has no marketplace";
const FORWARDED = "Anthropic's features are the client's to ask for, and are forwarded; see anthropic_beta_header";
const ONE_PORT = "everything is served on http_address";
const BRIDGE = "formats are translated without sessions";
const LEDGER = "the ledger writes in groups by itself, and loses nothing";
const HOOKS = "this version has no hooks";
const LIMITS = "nothing is fetched at start: the models' limits are built in";
const SIDECAR = "no model is exchanged behind the client's back: use model_aliases";
const FIREWALL = "this version has no prompt firewall";

export const OLD_KEYS = {
  admin_endpoints: { reason: ONE_PORT },
  admin_port: { reason: ONE_PORT },
  anthropic_computer_use: { reason: FORWARDED },
  anthropic_endpoints: { reason: ONE_PORT },
  anthropic_force_sse: { reason: "an answer is streamed when the client asks for it" },
  anthropic_json_mode: { reason: FORWARDED },
  anthropic_mcp: { reason: FORWARDED },
  anthropic_native_enabled: { reason: "what is served does not depend on a switch", fulfilledBy: true },
  anthropic_port: { reason: ONE_PORT },
  anthropic_prompt_caching: { reason: FORWARDED },
  anthropic_reasoning: { reason: FORWARDED },
  anthropic_token_check_enabled: { reason: "limits are the provider's to check", fulfilledBy: false },
  anthropic_web_search: { reason: FORWARDED },
  auth_disabled: { reason: "authentication cannot be switched off", fulfilledBy: false },
  auth_secret: { reason: "nothing is signed with it: keys are random, and only their hashes are kept" },
  base_url: { reason: MARKETPLACE },
  bridge_session_enabled: { reason: BRIDGE, fulfilledBy: false },
  bridge_session_max_count: { reason: BRIDGE },
  bridge_session_ttl: { reason: BRIDGE },
  chat_to_anthropic: { reason: "routes decide which provider answers, and formats are translated as needed" },
  db_max_idle_conns: { reason: "idle connections are limited by db_conn_max_idle_time alone" },
  display_name: { reason: MARKETPLACE },
  duplicate_tool_detection: { reason: "tool results are passed on as they are", fulfilledBy: false },
  email: { reason: MARKETPLACE },
  enable_facade: { reason: ONE_PORT, fulfilledBy: true },
  enable_provider: { reason: MARKETPLACE, fulfilledBy: false },
  facade_endpoints: { reason: ONE_PORT },
  fallback_adapter: { reason: "an unknown model is an error, never answered by something else" },
  firewall_config: { reason: FIREWALL, env: ["TOKLIGENCE_PROMPT_FIREWALL_CONFIG"] },
  gemini_endpoints: { reason: ONE_PORT },
  gemini_port: { reason: ONE_PORT },
  hooks_enabled: { reason: HOOKS, fulfilledBy: false },
  hooks_script_args: { reason: HOOKS, env: ["TOKLIGENCE_HOOK_SCRIPT_ARGS"] },
  hooks_script_env: { reason: HOOKS, env: ["TOKLIGENCE_HOOK_SCRIPT_ENV"] },
  hooks_script_path: { reason: HOOKS, env: ["TOKLIGENCE_HOOK_SCRIPT"] },
  hooks_timeout: { reason: HOOKS, env: ["TOKLIGENCE_HOOK_TIMEOUT"] },
  ledger_async_batch_size: { reason: LEDGER },
  ledger_async_buffer_size: { reason: LEDGER },
  ledger_async_flush_ms: { reason: LEDGER },
  ledger_async_num_workers: { reason: LEDGER },
  marketplace_enabled: { reason: MARKETPLACE, fulfilledBy: false },
  model_aliases_reload_sec: { reason: "changed files are noticed at once" },
  model_aliases_verbose: { reason: "`models route` explains every alias" },
  model_family: { reason: MARKETPLACE },
  model_metadata_file: { reason: LIMITS },
  model_metadata_refresh: { reason: LIMITS },
  model_metadata_url: { reason: LIMITS },
  multiport_mode: { reason: ONE_PORT, fulfilledBy: false },
  openai_completion_max_tokens: { reason: "a client's limit is passed on as it is" },
  openai_endpoints: { reason: ONE_PORT },
  openai_port: { reason: ONE_PORT },
  openai_tool_bridge_stream: { reason: "tool calls are streamed", fulfilledBy: true },
  price_per_1k: { reason: MARKETPLACE },
  prompt_firewall_enabled: { reason: FIREWALL, fulfilledBy: false },
  prompt_firewall_mode: { reason: FIREWALL },
  prompt_firewall_sse_buffer_timeout_ms: { reason: FIREWALL },
  prompt_firewall_sse_max_buffer_length: { reason: FIREWALL },
  publish_name: { reason: MARKETPLACE },
  responses_sse_ping_ms: { reason: "streams carry what the provider sends" },
  responses_stream_mode: { reason: "streams carry what the provider sends" },
  sidecar_model_map: { reason: SIDECAR },
  sidecar_model_map_file: { reason: SIDECAR },
  telemetry_enabled: { reason: "this version sends nothing home", fulfilledBy: false },
  update_check_enabled: { reason: "this version does not look for updates", fulfilledBy: false },
} as const satisfies Record<string, OldKey>;

/** Null where no earlier edition knew the name either. */
export function findOldKey(name: string): OldKey | null {
  return Object.hasOwn(OLD_KEYS, name) ? OLD_KEYS[name as keyof typeof OLD_KEYS] : null;
}

/** Old variables' names, each with the setting it stood for. */
export function listOldVariables(): Map<string, string> {
  const variables = new Map<string, string>();
  for (const [name, key] of Object.entries<OldKey>(OLD_KEYS)) {
    for (const variable of [`TOKLIGENCE_${name.toUpperCase()}`, ...(key.env ?? [])]) variables.set(variable, name);
  }
  return variables;
}
