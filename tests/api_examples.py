"""The examples of the contract: requests that are played against the application with Contoso's rows, and what is answered.

`tools/api-examples` plays them and writes api/examples.json; a test plays them again and demands answers of the same shape.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from contoso import WORKSTATION, Contoso
from ringfence.api.contract import Document, operations

Parameters = Mapping[str, Any]
SOURCE: Final = """\
ringfence: 1
name: Note the host
trigger: {type: manual, on: machine}
steps:
  note:
    action: logic.set
    with: {values: {host: "${trigger.machine.id}"}}
"""
_RANSOMWARE: Final = "Contain ransomware"


@dataclass(frozen=True)
class Play:
    """One request; texts in braces are what was kept of answers before. `keep` names what is kept of the answer, by path."""

    operation: str
    parameters: Parameters = field(default_factory=dict)
    body: Any = None
    keep: Mapping[str, str] = field(default_factory=dict)


PLAYS: Final = (
    Play("overview_get"),
    Play("alerts_list", {"severity": "High", "limit": 2}),
    Play("alerts_get", {"alert_id": "{alert}"}),
    Play("alerts_why", {"alert_id": "{alert}"}),
    Play("alerts_list_rejected"),
    Play("alerts_update", {"alert_id": "{alert}"}, {"status": "Resolved", "comment": "Reimaged."}),
    Play("incidents_list", {"status": "in_progress"}),
    Play("incidents_get", {"number": "{incident}"}, keep={"other_alert": "suggestions.0.alerts.0.id"}),
    Play("incidents_list_suggestions", {"number": "{incident}"}),
    Play("incidents_promote", {}, {"alerts": ["{other_alert}"], "title": "Credential theft"}, {"second": "number"}),
    Play("incidents_update", {"number": "{second}"}, {"owner": "megan.bowen", "severity": "High"}),
    Play("incidents_add_note", {"number": "{second}"}, {"text": "The user opened an invoice at 10:24."}),
    Play("incidents_add_task", {"number": "{second}"}, {"title": "Call Adele Vance", "assignee": "alex.wilber"}),
    Play("incidents_change_task", {"number": "{second}", "task": 1}, {"done": True}),
    Play(
        "incidents_contain",
        {"number": "{incident}"},
        {"machine": "fin-ws-014.contoso.com", "reason": "Ransomware", "account": "contoso"},
    ),
    Play("incidents_release", {"number": "{incident}"}, {"reason": "Reimaged and scanned."}),
    Play("incidents_add_alerts", {"number": "{incident}"}, {"alerts": ["{third_alert}"]}),
    Play("incidents_remove_alert", {"number": "{incident}", "alert_id": "{third_alert}"}),
    Play("incidents_close", {"number": 2}, {"resolution": "true_positive", "reason": "Cleaned."}),
    Play("incidents_reopen", {"number": 2}, {"reason": "It came back."}),
    Play("incidents_merge", {"number": 2}, {"into": "{number:incident}"}),
    Play("containments_list", {"live": "true", "limit": 1}),
    Play("containments_get", {"containment_id": "{containment}"}),
    Play(
        "containments_contain",
        {},
        {"target": "fin-ws-014.contoso.com", "reason": "Ransomware", "auto_release_after": 86400, "alert": "{alert}"},
    ),
    Play("containments_release", {"containment_id": "{containment}"}, {"reason": "Reimaged and scanned."}),
    Play("containments_proof", {"containment_id": "{containment}"}),
    Play("isolations_list", {"attention": "true", "limit": 1}),
    Play("isolations_list_orphans", {"older_than_hours": 24}),
    Play("isolations_list_readings"),
    Play("responses_list_kinds"),
    Play(
        "responses_request",
        {},
        {
            "kind": "antivirus_scan",
            "target": WORKSTATION,
            "reason": "Suspicious download",
            "parameters": {"scan": "Full"},
            "account": "contoso",
        },
        {"response": "id"},
    ),
    Play("responses_list", {"live": "true"}),
    Play("responses_get", {"response_id": "{response}"}),
    Play("responses_undo", {"response_id": "{response}"}, {"reason": "Not needed any more."}),
    Play("approvals_list", {"show": "all"}),
    Play("playbooks_list", {"limit": 10}),
    Play("playbooks_get", {"playbook_id": "{playbook}"}),
    Play("playbooks_check", {}, {"source": SOURCE}),
    Play("playbooks_begin_draft", {}, {"source": SOURCE, "note": "A first try."}),
    Play("playbooks_list_drafts"),
    Play("playbooks_get_draft", {"playbook": "Note the host"}),
    Play(
        "playbooks_save_draft",
        {"playbook": "Note the host", "If-Match": '"1"'},
        {"source": SOURCE.replace("host:", "machine:"), "note": "Tidied."},
    ),
    Play("playbooks_list_draft_revisions", {"playbook": "Note the host"}),
    Play("playbooks_get_draft_revision", {"playbook": "Note the host", "revision": 1}),
    Play("playbooks_publish_draft", {"playbook": "Note the host", "If-Match": '"2"'}, {"note": "First."}),
    Play("playbooks_publish", {}, {"source": SOURCE.replace("note:", "mark:"), "note": "By the API."}),
    Play("playbooks_list_versions", {"playbook": "Note the host"}),
    Play("playbooks_get_version", {"playbook": "Note the host", "version": "1.0"}),
    Play("playbooks_diff", {"playbook": "Note the host", "before": "1.0", "after": "1.1"}),
    Play("playbooks_rollback", {"playbook": "Note the host"}, {"version": "1.0", "note": "As it was."}),
    Play("playbooks_pause", {"playbook": "Note the host"}),
    Play("playbooks_activate", {"playbook": "Note the host"}),
    Play("playbooks_begin_draft", {}, {"source": SOURCE.replace("Note the host", "Look again")}),
    Play("playbooks_discard_draft", {"playbook": "Look again", "If-Match": '"1"'}),
    Play(
        "playbooks_start",
        {"playbook": _RANSOMWARE, "Idempotency-Key": "4f6c1d30"},
        {"alert": "{alert}"},
        {"new_run": "run_id"},
    ),
    Play("playbooks_dry_run", {"playbook": _RANSOMWARE}, {"alert": "{alert}"}),
    Play("playbooks_backtest", {"playbook": _RANSOMWARE}, {"days": 30}),
    Play("playbooks_save_profile", {"playbook": _RANSOMWARE, "profile": "Finance"}, {"alert": "{alert}"}),
    Play("playbooks_list_profiles", {"playbook": _RANSOMWARE}),
    Play("playbooks_remove_profile", {"playbook": _RANSOMWARE, "profile": "Finance"}),
    Play("playbooks_export_cacao", {"playbook": "Note the host"}, keep={"cacao": "document"}),
    Play("playbooks_import_cacao", {}, "{json:cacao}"),
    Play("playbooks_get_rules"),
    Play("playbooks_retire", {"playbook": "Note the host"}),
    Play("starters_list", {"limit": 1}),
    Play("starters_get", {"name": "contain-malware"}),
    Play("actions_list", {"connector": "containment"}),
    Play("actions_get", {"action_id": "defender.get_machine"}),
    Play("language_schema"),
    Play("runs_list", {"status": "failed", "limit": 1}),
    Play("runs_get", {"run_id": "{run}"}),
    Play("runs_value", {"run_id": "{run}", "step": "machine", "iteration": 0, "side": "output"}),
    Play("runs_list_attachments", {"run_id": "{run}"}),
    Play("runs_preview_rerun", {"run_id": "{run}", "step": "release"}),
    Play("runs_rerun", {"run_id": "{run}"}, {"steps": [], "newest": False}),
    Play("runs_cancel", {"run_id": "{new_run}"}, {"reason": "Started by mistake."}),
    Play("time_saved_set_rate", {}, {"rate": 60, "currency": "EUR"}),
    Play("time_saved_get", {"days": 30}),
    Play("policy_get"),
    Play("policy_explain", {"machine": "dc-01.contoso.com", "as": "playbook"}),
    Play("policy_get_layer", {"scope": "organization"}),
    Play(
        "policy_write_layer",
        {"scope": "organization", "If-Match": '"0"'},
        {"document": {"protected_tags": ["Domain Controller", "Tier 0"]}, "note": "Pilot"},
    ),
    Play("policy_write_layer", {"scope": "organization", "If-Match": '"1"'}, {"document": {"max_per_hour": 5}}),
    Play("policy_list_versions", {"scope": "organization"}),
    Play("policy_diff", {"scope": "organization", "before": 1, "after": 2}),
    Play("policy_freeze", {}, {"reason": "A storm of alerts."}),
    Play("policy_unfreeze", {}, {"reason": "It is over."}),
    Play("policy_list_brakes"),
    Play("policy_lift_brakes", {}, {"reason": "The storm is real.", "duration": "1 h", "more": 5}),
    Play(
        "tables_create",
        {},
        {"name": "vip-hosts", "kind": "domain", "description": "Ask before you contain."},
        {"table": "id"},
    ),
    Play("tables_put_entries", {"table": "vip-hosts"}, {"items": [{"value": "ceo-ws-001.contoso.com", "note": "CEO"}]}),
    Play("tables_list"),
    Play("tables_get", {"table": "vip-hosts"}),
    Play("tables_list_entries", {"table": "vip-hosts"}),
    Play("tables_lookup", {"table": "vip-hosts", "value": "ceo-ws-001.contoso.com"}),
    Play("tables_take_out_entries", {"table": "vip-hosts", "value": "ceo-ws-001.contoso.com"}),
    Play("tables_take_out_expired_entries", {"table": "vip-hosts"}),
    Play("tables_remove", {"table": "vip-hosts"}),
    Play("services_list", keep={"service": "items.0.id"}),
    Play("services_get", {"service_id": "{service}"}),
    Play("services_list_sweeps", {"service_id": "{service}"}),
    Play("services_compare", {"service_id": "{service}", "since": "24 hours ago"}),
    Play(
        "services_create",
        {},
        {"name": "contoso by Graph", "account_id": "{account}", "source": "graph"},
        {"made": "id"},
    ),
    Play("services_update", {"service_id": "{made}", "If-Match": "{etag:/services/{made}}"}, {"interval": "30 s"}),
    Play("services_pause", {"service_id": "{made}"}),
    Play("services_resume", {"service_id": "{made}"}),
    Play("services_remove", {"service_id": "{made}"}),
    Play("drills_list", {"limit": 1}),
    Play("drills_get", {"drill_id": "{drill}"}),
    Play("drills_list_devices"),
    Play("drills_list_schedules"),
    Play("drills_coverage", {"days": 90}),
    Play("channels_create", {}, {"name": "soc-chat", "address": "json://chat.contoso.com/soc"}, {"channel": "id"}),
    Play("channels_list"),
    Play("channels_list_events"),
    Play("channels_remove", {"channel_id": "{channel}"}),
    Play("notifications_list", {"limit": 1}),
    Play(
        "http_accounts_create",
        {},
        {"name": "reputation", "kind": "bearer", "address": "https://api.contoso.com/v1", "secret": "not-a-real-token"},
    ),
    Play("http_accounts_list"),
    Play("http_accounts_renew", {"account": "reputation"}, {"secret": "not-a-real-token-either"}),
    Play("http_accounts_remove", {"account": "reputation"}),
    Play("destinations_allow", {}, {"host": "*.contoso.com", "note": "Our own services."}, {"destination": "id"}),
    Play("destinations_list"),
    Play("destinations_withdraw", {"destination": "{destination}"}),
    Play("webhooks_create", {}, {"name": "siem", "answer_within": 0}),
    Play("webhooks_list"),
    Play("webhooks_get", {"webhook": "siem"}),
    Play("webhooks_update", {"webhook": "siem"}, {"answer_within": 10}),
    Play("webhooks_rotate", {"webhook": "siem"}, {"keep_seconds": 86400}),
    Play("webhooks_list_messages", {"webhook": "siem"}),
    Play("webhooks_remove", {"webhook": "siem"}),
    Play("mailboxes_list"),
    Play(
        "subscriptions_create",
        {},
        {"name": "siem", "address": "https://siem.contoso.com/ringfence", "events": ["containment.*", "run.failed"]},
    ),
    Play("subscriptions_list"),
    Play("subscriptions_list_nouns", {"limit": 3}),
    Play("subscriptions_get", {"subscription": "siem"}),
    Play("subscriptions_test", {"subscription": "siem"}, keep={"message": "id"}),
    Play("subscriptions_list_messages", {"subscription": "siem"}),
    Play("subscriptions_redeliver", {"subscription": "siem", "message_id": "{message}"}),
    Play(
        "subscriptions_update", {"subscription": "siem", "If-Match": "{etag:/subscriptions/siem}"}, {"state": "paused"}
    ),
    Play("subscriptions_rotate", {"subscription": "siem"}, {"keep_seconds": 86400}),
    Play("subscriptions_remove", {"subscription": "siem"}),
    Play("changes_list", {"after": 0, "limit": 2}),
    Play("audit_list", {"limit": 1}),
    Play("audit_verify"),
    Play("accounts_list"),
    Play("accounts_get", {"account_id": "{account}"}),
    Play("accounts_get_budget", {"account_id": "{account}"}),
)


async def play(
    client: httpx.AsyncClient, contract: Document, contoso: Contoso, csrf: str
) -> dict[str, tuple[Play, httpx.Response, dict[str, Any]]]:
    """Play everything and return, by operation, the first request that was played, its answer and its parameters and body."""
    known = {operation["operationId"]: (path, method, operation) for path, method, operation in operations(contract)}
    kept: dict[str, Any] = {
        "alert": contoso.alert_id,
        "incident": contoso.incident_number,
        "containment": contoso.containment_id,
        "playbook": contoso.playbook_id,
        "run": contoso.run_id,
        "account": contoso.account_id,
        "drill": contoso.drill_id,
    }
    free = (await client.get("/api/v1/alerts", params={"limit": 500})).json()["items"]
    kept["third_alert"] = free[-2]["id"]
    found: dict[str, tuple[Play, httpx.Response, dict[str, Any]]] = {}
    for each in PLAYS:
        path, method, operation = known[each.operation]
        where = {parameter["name"]: parameter["in"] for parameter in operation.get("parameters", ())}
        given = {name: await _filled(client, value, kept) for name, value in each.parameters.items()}
        body = await _filled(client, each.body, kept)
        headers = {name: str(value) for name, value in given.items() if where[name] == "header"}
        answer = await client.request(
            method,
            "/api/v1" + path.format(**given),
            params={name: value for name, value in given.items() if where[name] == "query"},
            headers=headers | ({} if method == "get" else {"X-CSRF-Token": csrf}),
            json=body,
        )
        assert answer.status_code < 400, (each.operation, answer.status_code, answer.text[:800])
        for name, place in each.keep.items():
            kept[name] = _at(answer.json(), place)
        found.setdefault(each.operation, (each, answer, {"parameters": given, "body": body}))
    return found


async def _filled(client: httpx.AsyncClient, value: Any, kept: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: await _filled(client, part, kept) for name, part in value.items()}
    if isinstance(value, list):
        return [await _filled(client, part, kept) for part in value]
    if not isinstance(value, str) or not value.startswith("{") or not value.endswith("}"):
        return value
    kind, _, rest = value[1:-1].partition(":")
    if kind == "etag":
        return (await client.get("/api/v1" + re.sub(r"\{(\w+)\}", lambda name: str(kept[name[1]]), rest))).headers[
            "etag"
        ]
    return kept[rest or kind]


def _at(document: Any, place: str) -> Any:
    for step in place.split("."):
        document = document[int(step) if step.isdecimal() else step]
    return document


def recorded(played: Mapping[str, tuple[Play, httpx.Response, dict[str, Any]]]) -> dict[str, Any]:
    """Return what api/examples.json holds of what was played: what is made by chance is the same each time."""
    examples: dict[str, Any] = {}
    for name, (_, answer, request) in played.items():
        kept = {key: value for key, value in request.items() if value}
        examples[name] = {**kept, "status": answer.status_code}
        if answer.content and answer.headers.get("content-type") == "application/json":
            examples[name]["answer"] = _cut(answer.json())
    return json.loads(_settle(json.dumps(examples, ensure_ascii=False)))  # type: ignore[no-any-return]


def _cut(value: Any) -> Any:
    """Leave two of each list: an example is to be read."""
    if isinstance(value, list):
        return [_cut(each) for each in value[:2]]
    if isinstance(value, dict):
        return {name: _cut(each) for name, each in list(value.items())[:40]}
    return value


_CHANCE: Final = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{64}\b|\b[0-9a-f]{32}\b|whsec_[A-Za-z0-9+/=]{44}"
)


def _settle(text: str) -> str:
    seen: dict[str, str] = {}

    def same(found: re.Match[str]) -> str:
        was = found[0]
        if was not in seen:
            made = hashlib.sha256(f"example {len(seen)}".encode()).digest()
            if was.startswith("whsec_"):
                seen[was] = "whsec_" + "ZXhhbXBsZSBvbmx5OyB0aGlzIHNpZ25zIG5vdGhpbmc="
            elif "-" in was:
                seen[was] = str(uuid.UUID(bytes=made[:16], version=4))
            else:
                seen[was] = made.hex()[: len(was)]
        return seen[was]

    return _CHANCE.sub(same, text)


def differences(shown: Any, played: Any, place: str = "") -> Iterator[str]:
    """Yield where an example has another shape than what is answered now; a null says nothing, and so does an empty list."""
    if shown is None or played is None:
        return
    if isinstance(shown, dict) and isinstance(played, dict):
        for name in sorted(set(shown) ^ set(played)) if len(shown) < 40 else ():
            yield f"{place}/{name} is only in {'the example' if name in shown else 'the answer'}"
        for name in shown.keys() & played.keys():
            yield from differences(shown[name], played[name], f"{place}/{name}")
    elif isinstance(shown, list) and isinstance(played, list):
        if shown and played:
            yield from differences(shown[0], played[0], f"{place}/0")
    elif isinstance(shown, bool) != isinstance(played, bool) or isinstance(shown, str) != isinstance(played, str):
        yield f"{place} is {type(shown).__name__} in the example and {type(played).__name__} in the answer"
