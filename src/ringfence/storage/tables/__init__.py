"""All tables, in the order of the story: who, with which account, which alerts, which playbook, which run, which host.

Ids are UUIDv7 texts (`clock.new_id`). States are the words of the package's own enums. A column `*_key` that is unique is
how "exactly once" is kept: the second writer meets the constraint.
"""

from ringfence.storage.tables.accounts import account_credentials, accounts
from ringfence.storage.tables.alerts import alert_versions, alert_writes, alerts, rejected_alerts
from ringfence.storage.tables.approvals import approval_answers, approvals
from ringfence.storage.tables.apps import apps
from ringfence.storage.tables.attachments import attachment_chunks, attachments
from ringfence.storage.tables.audit import audit_entries, audit_heads
from ringfence.storage.tables.brakes import brake_lifts, brakes, fleets
from ringfence.storage.tables.budgets import call_budgets
from ringfence.storage.tables.containment_proof import containment_exchanges, containment_reports
from ringfence.storage.tables.containments import (
    containment_days,
    containment_events,
    containment_holds,
    containments,
)
from ringfence.storage.tables.drills import drill_devices, drill_schedules, drills
from ringfence.storage.tables.incidents import (
    incident_alerts,
    incident_events,
    incident_notes,
    incident_tasks,
    incidents,
)
from ringfence.storage.tables.isolations import isolations, reconciliations
from ringfence.storage.tables.keys import key_wraps, organization_keys
from ringfence.storage.tables.listening import feed_cursors, timer_marks
from ringfence.storage.tables.lookup import lookup_entries, lookup_tables
from ringfence.storage.tables.mailboxes import mailbox_messages, mailboxes
from ringfence.storage.tables.notifications import approval_links, channels, notices, notification_rules, outbox
from ringfence.storage.tables.operation import changes, workers
from ringfence.storage.tables.outbound import destinations, effects, http_accounts
from ringfence.storage.tables.people import memberships, organizations, sessions, sign_in_links, users
from ringfence.storage.tables.playbooks import playbook_drafts, playbook_versions, playbooks, publishing_rules
from ringfence.storage.tables.policies import policies
from ringfence.storage.tables.profiles import run_profiles
from ringfence.storage.tables.rates import shared_rates
from ringfence.storage.tables.repeats import repeats
from ringfence.storage.tables.responses import response_events, responses
from ringfence.storage.tables.runs import hourly_rates, run_alerts, run_logs, runs, step_runs, time_saved, wakes
from ringfence.storage.tables.schema import metadata
from ringfence.storage.tables.services import awaited_alerts, service_events, trigger_services
from ringfence.storage.tables.sign_in import (
    api_tokens,
    identities,
    identity_providers,
    recovery_codes,
    second_factors,
    sign_in_failures,
    sign_in_rules,
    sign_in_steps,
)
from ringfence.storage.tables.subscriptions import (
    subscription_messages,
    subscription_secrets,
    subscriptions,
)
from ringfence.storage.tables.sweeps import sweeps
from ringfence.storage.tables.teams import teams
from ringfence.storage.tables.trials import trials
from ringfence.storage.tables.verdicts import alert_verdicts, trigger_sets
from ringfence.storage.tables.views import list_choices, saved_filters
from ringfence.storage.tables.webhooks import (
    webhook_deliveries,
    webhook_refusal_days,
    webhook_refusals,
    webhook_replies,
    webhook_secrets,
    webhooks,
)

__all__ = [
    "account_credentials",
    "accounts",
    "alert_verdicts",
    "alert_versions",
    "alert_writes",
    "alerts",
    "api_tokens",
    "approval_answers",
    "approval_links",
    "approvals",
    "apps",
    "attachment_chunks",
    "attachments",
    "audit_entries",
    "audit_heads",
    "awaited_alerts",
    "brake_lifts",
    "brakes",
    "call_budgets",
    "changes",
    "channels",
    "containment_days",
    "containment_events",
    "containment_exchanges",
    "containment_holds",
    "containment_reports",
    "containments",
    "destinations",
    "drill_devices",
    "drill_schedules",
    "drills",
    "effects",
    "feed_cursors",
    "fleets",
    "hourly_rates",
    "http_accounts",
    "identities",
    "identity_providers",
    "incident_alerts",
    "incident_events",
    "incident_notes",
    "incident_tasks",
    "incidents",
    "isolations",
    "key_wraps",
    "list_choices",
    "lookup_entries",
    "lookup_tables",
    "mailbox_messages",
    "mailboxes",
    "memberships",
    "metadata",
    "notices",
    "notification_rules",
    "organization_keys",
    "organizations",
    "outbox",
    "playbook_drafts",
    "playbook_versions",
    "playbooks",
    "policies",
    "publishing_rules",
    "reconciliations",
    "recovery_codes",
    "rejected_alerts",
    "repeats",
    "response_events",
    "responses",
    "run_alerts",
    "run_logs",
    "run_profiles",
    "runs",
    "saved_filters",
    "second_factors",
    "service_events",
    "sessions",
    "shared_rates",
    "sign_in_failures",
    "sign_in_links",
    "sign_in_rules",
    "sign_in_steps",
    "step_runs",
    "subscription_messages",
    "subscription_secrets",
    "subscriptions",
    "sweeps",
    "teams",
    "time_saved",
    "timer_marks",
    "trials",
    "trigger_services",
    "trigger_sets",
    "users",
    "wakes",
    "webhook_deliveries",
    "webhook_refusal_days",
    "webhook_refusals",
    "webhook_replies",
    "webhook_secrets",
    "webhooks",
    "workers",
]
