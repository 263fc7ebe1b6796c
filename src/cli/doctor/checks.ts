// The checks, by name: one a line.

import { checkAddress } from "./check-address.ts";
import { checkBackup } from "./check-backup.ts";
import { checkBooks } from "./check-books.ts";
import { checkCalls } from "./check-call.ts";
import { checkClock } from "./check-clock.ts";
import { checkConfig } from "./check-config.ts";
import { checkDatabases } from "./check-database.ts";
import { checkDisk } from "./check-disk.ts";
import { checkHealth } from "./check-health.ts";
import { checkKeys } from "./check-key.ts";
import { checkLimits } from "./check-limit.ts";
import { checkMail } from "./check-mail.ts";
import { checkOidc } from "./check-oidc.ts";
import { checkPort } from "./check-port.ts";
import { checkPrices } from "./check-price.ts";
import { checkProviders } from "./check-provider.ts";
import { checkRedis } from "./check-redis.ts";
import { checkSetup } from "./check-setup.ts";
import type { Check } from "./finding.ts";

export const CHECKS = {
  address: checkAddress,
  backup: checkBackup,
  books: checkBooks,
  call: checkCalls,
  clock: checkClock,
  config: checkConfig,
  database: checkDatabases,
  disk: checkDisk,
  health: checkHealth,
  keys: checkKeys,
  limits: checkLimits,
  mail: checkMail,
  oidc: checkOidc,
  ports: checkPort,
  prices: checkPrices,
  providers: checkProviders,
  redis: checkRedis,
  setup: checkSetup,
} as const satisfies Record<string, Check>;

export type CheckName = keyof typeof CHECKS;

/** As people read them: what others rest on comes first. */
export const ORDER = [
  "config",
  "ports",
  "database",
  "books",
  "limits",
  "redis",
  "disk",
  "keys",
  "providers",
  "prices",
  "health",
  "call",
  "mail",
  "oidc",
  "address",
  "setup",
  "backup",
  "clock",
] as const satisfies readonly CheckName[];
