"""Every page that the routes have, by the name of its picture: what is visited, witnessed and pictured."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Page:
    """An address with names such as `{alert_id}` for ids.

    `status` is what it answers; who `visits` is somebody signed in (`session`, or in an organization that has nothing yet,
    `fabrikam`), nobody (`nobody`), or who is on their way in, with the step of that name (`code`, `enrol`). `canvas` pages
    draw by script, and need more than the others may.
    """

    address: str
    visits: str = "session"
    status: int = 200
    canvas: bool = False


PAGES: Final = {
    "sign-in": Page("/sign-in", "nobody"),
    "sign-in-link": Page("/sign-in/link?token={link}", "nobody"),
    "sign-in-link-used": Page("/sign-in/link?token=none", "nobody", 401),
    "sign-in-forgotten": Page("/sign-in/forgotten", "nobody"),
    "sign-in-reset": Page("/sign-in/reset?token={reset}", "nobody"),
    "sign-in-code": Page("/sign-in/code", "code"),
    "sign-in-app": Page("/sign-in/app", "enrol"),
    "answer": Page("/answer?token={answer}", "nobody"),
    "sign-in-confirm": Page("/sign-in/confirm?next=/keys"),
    "overview": Page("/"),
    "alerts": Page("/alerts"),
    "alerts-none": Page("/alerts?q=nothing+like+it"),
    "alerts-rejected": Page("/alerts/rejected"),
    "alert": Page("/alerts/{alert_id}"),
    "incidents": Page("/incidents?show=all"),
    "incident": Page("/incidents/{incident_number}"),
    "incident-closed": Page("/incidents/1"),
    "executions": Page("/executions"),
    "executions-filtered": Page("/executions?since=soonish&status=failed"),
    "execution": Page("/executions/{live_run_id}"),
    "execution-canvas": Page("/executions/{run_id}/canvas", canvas=True),
    "execution-again": Page("/executions/{run_id}/rerun?step=release"),
    "rehearsals": Page("/rehearsals"),
    "time-saved": Page("/time-saved"),
    "containment": Page("/containment"),
    "containment-one": Page("/containment/{containment_id}"),
    "containment-pending": Page("/containment/{pending_id}"),
    "containment-new": Page("/containment/new"),
    "responses": Page("/responses"),
    "response": Page("/responses/{response_id}"),
    "response-new": Page("/responses/new?kind=offboard"),
    "approvals": Page("/approvals"),
    "approval": Page("/approvals/{approval_id}"),
    "policy": Page("/policy"),
    "policy-layer": Page("/policy/layers/organization"),
    "policy-explain": Page("/policy/explain?machine=dc-01.contoso.com"),
    "drills": Page("/drills"),
    "drill": Page("/drills/{drill_id}"),
    "drill-live": Page("/drills/drill-live"),
    "playbooks": Page("/playbooks"),
    "playbook": Page("/playbooks/{playbook_id}"),
    "playbook-design": Page("/playbooks/{playbook_id}/design", canvas=True),
    "playbook-draft": Page("/playbooks/{playbook_id}/draft"),
    "playbook-version": Page("/playbooks/{playbook_id}/versions/1.3"),
    "playbook-try": Page("/playbooks/{playbook_id}/try"),
    "playbook-trial": Page("/playbooks/{playbook_id}/trials/{trial_id}"),
    "playbook-cacao": Page("/playbooks/{playbook_id}/cacao"),
    "playbook-new": Page("/playbooks/new"),
    "playbook-new-design": Page("/playbooks/design"),
    "playbook-import": Page("/playbooks/cacao"),
    "playbook-rules": Page("/playbooks/rules"),
    "start": Page("/start?alert={alert_id}"),
    "start-form": Page("/start?alert={alert_id}&playbook={playbook_id}"),
    "starters": Page("/starters"),
    "starter": Page("/starters/enrich-and-comment"),
    "services": Page("/services"),
    "service": Page("/services/{service_id}"),
    "service-new": Page("/services/new"),
    "service-edit": Page("/services/{service_id}/edit"),
    "webhooks": Page("/webhooks"),
    "tables": Page("/tables"),
    "table": Page("/tables/{table}"),
    "accounts": Page("/accounts"),
    "account": Page("/accounts/{account_id}"),
    "account-credentials": Page("/accounts/{account_id}/credentials"),
    "account-new": Page("/accounts/new"),
    "account-new-register": Page("/accounts/new?step=register&cloud=dod"),
    "account-new-connect": Page("/accounts/new?step=connect"),
    "apps": Page("/apps"),
    "app": Page("/apps/containment"),
    "outbound": Page("/outbound"),
    "subscriptions": Page("/subscriptions"),
    "notifications": Page("/notifications"),
    "notification-new": Page("/notifications/new"),
    "notification-edit": Page("/notifications/{channel_id}/edit"),
    "notification-rules": Page("/notifications/rules"),
    "notification-rule": Page("/notifications/rules/{rule_id}"),
    "notification-rule-new": Page("/notifications/rules/new"),
    "audit": Page("/audit"),
    "audit-verified": Page("/audit/verify"),
    "people": Page("/people"),
    "person": Page("/people/{other_id}/sign-ins"),
    "identity-providers": Page("/identity-providers"),
    "keys": Page("/keys"),
    "installation": Page("/installation"),
    "organizations": Page("/organizations"),
    "organizations-board": Page("/organizations/board"),
    "organizations-choose": Page("/organizations/choose"),
    "me": Page("/me"),
    "me-app": Page("/me/app"),
    "me-tokens": Page("/me/tokens"),
    "begun-overview": Page("/", "fabrikam"),
    "begun-alerts": Page("/alerts", "fabrikam"),
    "begun-containment": Page("/containment", "fabrikam"),
    "begun-playbooks": Page("/playbooks", "fabrikam"),
    "begun-accounts": Page("/accounts", "fabrikam"),
    "missing": Page("/no-such-page", status=404),
}


EMPTY: Final = {"first": Page("/sign-in/first?token={first}", "nobody")}
"""Pages of an installation that nobody has signed in to yet."""

NO_PAGES: Final = {
    "/accounts/{account_id}/certificate": "a file",
    "/approvals/badge": "a number in the menu",
    "/audit/export": "a file",
    "/containment/{containment_id}/proof": "a file",
    "/events": "a stream",
    "/healthz": "JSON",
    "/installation/support-bundle": "a file",
    "/metrics": "text for Prometheus",
    "/palette": "a part of every page: tests/ui/test_journeys.py opens it",
    "/playbooks/{playbook_id}/cacao.json": "a file",
    "/policy/group": "goes on to /policy/layers",
    "/sign-in/provider/{name}": "goes to the provider",
    "/sign-in/provider/{name}/callback": "comes from the provider, and goes on",
    "/sign-in/provider/{name}/sign-out": "comes from the provider, and goes on",
    "/tables/{table}/csv": "a file",
}
"""What can be asked for and is no page; answers in JSON need no line."""
