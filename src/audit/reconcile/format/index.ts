// The kinds of exports that are known by their columns. A new one is one file and one line here.

import type { Format } from "../line.ts";
import { anthropicCost, anthropicCostCsv } from "./anthropic-cost.ts";
import { anthropicUsage } from "./anthropic-usage.ts";
import { awsCostExplorer, awsUsageReport } from "./aws-cost.ts";
import { azureCost } from "./azure-cost.ts";
import { deepseekAmount, deepseekCost } from "./deepseek.ts";
import { focus } from "./focus.ts";
import { googleBilling } from "./google-billing.ts";
import { openaiCost } from "./openai-cost.ts";
import { openaiUsage } from "./openai-usage.ts";
import { openrouterActivity, openrouterActivityCsv, openrouterGenerations } from "./openrouter.ts";

export const FORMATS = {
  "anthropic-cost": anthropicCost,
  "anthropic-cost-csv": anthropicCostCsv,
  "anthropic-usage": anthropicUsage,
  "aws-cost-explorer": awsCostExplorer,
  "aws-usage-report": awsUsageReport,
  "azure-cost": azureCost,
  "deepseek-amount": deepseekAmount,
  "deepseek-cost": deepseekCost,
  focus,
  "google-billing": googleBilling,
  "openai-cost": openaiCost,
  "openai-usage": openaiUsage,
  "openrouter-activity": openrouterActivity,
  "openrouter-activity-csv": openrouterActivityCsv,
  "openrouter-generations": openrouterGenerations,
} as const satisfies Record<string, Format>;
