// Written by `bun run migrate`: the SQL of this folder, oldest first, embedded in the executable. Knows nothing else.

import type { Migration } from "../../migration.ts";
import m20261123234716_init from "./20261123234716_init.sql" with { type: "text" };
import m20261124163839_objects from "./20261124163839_objects.sql" with { type: "text" };
import m20261125093701_answers from "./20261125093701_answers.sql" with { type: "text" };
import m20261125095331_ledger_units from "./20261125095331_ledger_units.sql" with { type: "text" };
import m20261125141052_books from "./20261125141052_books.sql" with { type: "text" };
import m20261125142746_change from "./20261125142746_change.sql" with { type: "text" };
import m20261125151607_reports from "./20261125151607_reports.sql" with { type: "text" };
import m20261125152932_budgets_anew from "./20261125152932_budgets_anew.sql" with { type: "text" };
import m20261125152934_budgets from "./20261125152934_budgets.sql" with { type: "text" };
import m20261125160950_sums_anew from "./20261125160950_sums_anew.sql" with { type: "text" };
import m20261125171115_declared_budgets from "./20261125171115_declared_budgets.sql" with { type: "text" };
import m20261125173659_sessions from "./20261125173659_sessions.sql" with { type: "text" };
import m20261125175837_journal from "./20261125175837_journal.sql" with { type: "text" };
import m20261125181224_reused_sums from "./20261125181224_reused_sums.sql" with { type: "text" };
import m20261125181417_provider_controls from "./20261125181417_provider_controls.sql" with { type: "text" };
import m20261125182055_attempts from "./20261125182055_attempts.sql" with { type: "text" };
import m20261125182531_route_versions from "./20261125182531_route_versions.sql" with { type: "text" };
import m20261125223802_audit_changes from "./20261125223802_audit_changes.sql" with { type: "text" };
import m20261125224741_user_search from "./20261125224741_user_search.sql" with { type: "text" };
import m20261125225122_provider_secrets from "./20261125225122_provider_secrets.sql" with { type: "text" };
import m20261125225546_accounts_elsewhere from "./20261125225546_accounts_elsewhere.sql" with { type: "text" };
import m20261125230258_key_limits from "./20261125230258_key_limits.sql" with { type: "text" };
import m20261125230930_rate_limits from "./20261125230930_rate_limits.sql" with { type: "text" };
import m20261125234654_runtime_settings from "./20261125234654_runtime_settings.sql" with { type: "text" };
import m20261126000202_key_lists from "./20261126000202_key_lists.sql" with { type: "text" };
import m20261126032139_unused_keys from "./20261126032139_unused_keys.sql" with { type: "text" };
import m20261126050927_leaner_rollups from "./20261126050927_leaner_rollups.sql" with { type: "text" };
import m20261126084001_owner_indexes from "./20261126084001_owner_indexes.sql" with { type: "text" };
import m20261126090640_packed_hours from "./20261126090640_packed_hours.sql" with { type: "text" };
import m20261126112234_interrupted_times from "./20261126112234_interrupted_times.sql" with { type: "text" };
import m20261126114601_add_budget_remains from "./20261126114601_add_budget_remains.sql" with { type: "text" };
import m20261126150214_add_budget_gap from "./20261126150214_add_budget_gap.sql" with { type: "text" };
import m20261126153118_count_untimed from "./20261126153118_count_untimed.sql" with { type: "text" };
import m20261126214513_follow_objects from "./20261126214513_follow_objects.sql" with { type: "text" };

export const migrations: readonly Migration[] = [
  { name: "20261123234716_init", sql: m20261123234716_init },
  { name: "20261124163839_objects", sql: m20261124163839_objects },
  { name: "20261125093701_answers", sql: m20261125093701_answers },
  { name: "20261125095331_ledger_units", sql: m20261125095331_ledger_units },
  { name: "20261125141052_books", sql: m20261125141052_books },
  { name: "20261125142746_change", sql: m20261125142746_change },
  { name: "20261125151607_reports", sql: m20261125151607_reports },
  { name: "20261125152932_budgets_anew", sql: m20261125152932_budgets_anew },
  { name: "20261125152934_budgets", sql: m20261125152934_budgets },
  { name: "20261125160950_sums_anew", sql: m20261125160950_sums_anew },
  { name: "20261125171115_declared_budgets", sql: m20261125171115_declared_budgets },
  { name: "20261125173659_sessions", sql: m20261125173659_sessions },
  { name: "20261125175837_journal", sql: m20261125175837_journal },
  { name: "20261125181224_reused_sums", sql: m20261125181224_reused_sums },
  { name: "20261125181417_provider_controls", sql: m20261125181417_provider_controls },
  { name: "20261125182055_attempts", sql: m20261125182055_attempts },
  { name: "20261125182531_route_versions", sql: m20261125182531_route_versions },
  { name: "20261125223802_audit_changes", sql: m20261125223802_audit_changes },
  { name: "20261125224741_user_search", sql: m20261125224741_user_search },
  { name: "20261125225122_provider_secrets", sql: m20261125225122_provider_secrets },
  { name: "20261125225546_accounts_elsewhere", sql: m20261125225546_accounts_elsewhere },
  { name: "20261125230258_key_limits", sql: m20261125230258_key_limits },
  { name: "20261125230930_rate_limits", sql: m20261125230930_rate_limits },
  { name: "20261125234654_runtime_settings", sql: m20261125234654_runtime_settings },
  { name: "20261126000202_key_lists", sql: m20261126000202_key_lists },
  { name: "20261126032139_unused_keys", sql: m20261126032139_unused_keys },
  { name: "20261126050927_leaner_rollups", sql: m20261126050927_leaner_rollups },
  { name: "20261126084001_owner_indexes", sql: m20261126084001_owner_indexes },
  { name: "20261126090640_packed_hours", sql: m20261126090640_packed_hours },
  { name: "20261126112234_interrupted_times", sql: m20261126112234_interrupted_times },
  { name: "20261126114601_add_budget_remains", sql: m20261126114601_add_budget_remains },
  { name: "20261126150214_add_budget_gap", sql: m20261126150214_add_budget_gap },
  { name: "20261126153118_count_untimed", sql: m20261126153118_count_untimed },
  { name: "20261126214513_follow_objects", sql: m20261126214513_follow_objects },
];
