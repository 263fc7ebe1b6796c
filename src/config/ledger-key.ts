// The rows of the table of settings that are about the books and the notices about them. Knows no file and no layer.

import type { Key } from "./key.ts";
import * as syntax from "./syntax.ts";

export const LEDGER_KEYS = {
  budget_alerts: {
    about:
      "Who is told when a budget reaches one of its percentages, separated by commas: log, a file, https:// (POST) and mailto:",
    group: "ledger",
    type: syntax.defineTargets([]),
    fallback: "log",
    fileForm: true,
    path: "targets",
    restart: true,
  },
  budget_default_output_tokens: {
    about: "Output that a budget reserves for a call which sets no limit of its own, until it is known what it wrote",
    group: "ledger",
    type: syntax.defineInteger(1, 10_000_000),
    fallback: "4096",
  },
  budget_when_unreachable: {
    about:
      "Calls under a budget while the database where gateways share it does not answer, once what was granted beforehand is used up: allow or refuse",
    group: "ledger",
    type: syntax.defineChoice(["allow", "refuse"]),
    fallback: "allow",
  },
  capture: {
    about: "Whether the text that chat calls send to providers and get back is kept beside their rows: on or off",
    group: "ledger",
    type: syntax.boolean,
    fallback: "off",
  },
  ledger_anchor: {
    about:
      "Where signed heads of the books and of the record of changes are also put, separated by commas: file, https:// (POST), mailto:, and object stores by a URL with {chain} or {seq} in it, or put+https:// (PUT)",
    group: "ledger",
    type: syntax.defineTargets(["chain", "seq"]),
    example: "/mnt/worm/heads.jsonl, mailto:audit@example.com, https://store.example.com/heads/{chain}/{seq}.json",
    fileForm: true,
    path: "targets",
    restart: true,
  },
  ledger_anchor_interval: {
    about: "How often the newest signed head is put there, where there are new rows; and at each stop",
    group: "ledger",
    type: syntax.defineDuration(),
    fallback: "1h",
    restart: true,
  },
  ledger_key_file: {
    about:
      "The private key that signs the books (Ed25519, PEM or JWK), made at the first start; signed heads are kept beside it. Unset: beside the ledger's file, or in home",
    group: "ledger",
    type: syntax.plain,
    fallback: "~/.tokligence/ledger.key",
    path: "file",
    restart: true,
  },
  ledger_outbox_full: {
    about:
      "What becomes of new requests once the outbox is full: refuse (503, before a provider is called) or grow; those that run are settled in any case",
    group: "ledger",
    type: syntax.defineChoice(["refuse", "grow"]),
    fallback: "refuse",
    restart: true,
  },
  ledger_outbox_max_bytes: {
    about: "Beyond this size of what waits in it for the ledger's database, the outbox is full",
    group: "ledger",
    type: syntax.size,
    fallback: "1GiB",
    restart: true,
  },
  ledger_sign_interval: {
    about: "How often the newest row of the books is signed, where there are new ones",
    group: "ledger",
    type: syntax.defineDuration(),
    fallback: "1m",
    restart: true,
  },
  market_price_file: {
    about:
      "A marketplace's services with their prices, as it lists them (GET /services): a path or https:// address; unset: none. [provider.NAME] market_services says whose calls are bought so",
    group: "ledger",
    type: syntax.plain,
    example: "/etc/tokligence/services.json",
    path: "source",
  },
  metrics_public: {
    about: "Whether GET /metrics answers without a key; else it takes one with the scope metrics:read",
    group: "ledger",
    type: syntax.boolean,
    fallback: "false",
    restart: true,
  },
  on_unknown_price: {
    about:
      "Calls whose price nobody knows: allow, warn (log and response header), or refuse before the provider is called",
    group: "ledger",
    type: syntax.unknownPrice,
    fallback: "allow",
  },
  price_file: {
    about:
      "A newer price list, as a path or https:// address: the public list's own data.json (v2), or prices of your own, of no older date than those in use; unset: the list that came with the gateway",
    group: "ledger",
    type: syntax.plain,
    example: "/etc/tokligence/prices.json",
    path: "source",
  },
  price_file_public_key: {
    about:
      "Ed25519 key (PEM, JWK or base64 of its 32 bytes) that the price file must be signed with, in <price_file>.sig or as a JWS; one of an older date than the one in use is not taken",
    group: "ledger",
    type: syntax.plain,
    example: "/etc/tokligence/prices.pub",
    fileForm: true,
  },
  price_refresh: {
    about: "How often the price file is read again; 0: only at the start and with a reload",
    group: "ledger",
    type: syntax.defineDuration({ zeroMs: syntax.LONGEST_MS }),
    fallback: "1h",
  },
  retention_captured: {
    about: "How long captured text is kept, such as 30d; 0: for ever",
    group: "ledger",
    type: syntax.age,
    fallback: "0",
  },
  retention_payload_hashes: {
    about: "How long a row keeps the hashes of what was sent and answered; what its chain attests stays; 0: for ever",
    group: "ledger",
    type: syntax.age,
    fallback: "0",
  },
  retention_rows: {
    about: "How long rows are kept; their sums stay, and a signed head says how far they are gone; 0: for ever",
    group: "ledger",
    type: syntax.age,
    fallback: "0",
  },
  smtp_from: {
    about: "Sender of our e-mails, with or without a name; unset: smtp_username, where that is an address",
    group: "notice",
    type: syntax.sender,
    example: "Gateway <gateway@example.com>",
    restart: true,
  },
  smtp_host: {
    about: "The mail server; unset: no e-mail can be sent",
    group: "notice",
    type: syntax.hostname,
    example: "smtp.example.com",
    restart: true,
  },
  smtp_password: {
    about: "Password at the mail server",
    group: "notice",
    type: syntax.plain,
    secret: true,
    restart: true,
  },
  smtp_port: {
    about: "Port of the mail server, usually 587 (STARTTLS), 465 (TLS) or 25",
    group: "notice",
    type: syntax.defineInteger(1, 65_535),
    fallback: "587",
    restart: true,
  },
  smtp_secure: {
    about:
      "tls: from the first byte; starttls: or not at all; none; auto: tls on port 465, else starttls, demanded where there is a password",
    group: "notice",
    type: syntax.defineChoice(["auto", "tls", "starttls", "none"], { false: "auto", ssl: "tls", true: "tls" }),
    fallback: "auto",
    restart: true,
  },
  smtp_username: {
    about: "User at the mail server; unset: it wants none",
    group: "notice",
    type: syntax.plain,
    example: "gateway@example.com",
    restart: true,
  },
} as const satisfies Record<string, Key>;
