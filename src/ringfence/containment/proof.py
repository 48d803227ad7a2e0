"""Everything that proves one containment, as one document: what was known, decided, asked, sent, answered, confirmed, told.

`document` reads it in one transaction; its form is described in docs/proof-package.md and named by `KIND`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

import ringfence
from ringfence import clock
from ringfence.alerts import queue
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Approval, Subject
from ringfence.audit import log
from ringfence.audit.log import Entry
from ringfence.containment import board, exchanges, policies, reports, service
from ringfence.containment.layers import Layer, effective
from ringfence.containment.policies import PROVIDER, Scope, Version
from ringfence.errors import NotFound
from ringfence.organizations import service as organizations
from ringfence.storage import Transaction

KIND: Final = "ringfence.containment.proof/1"


def document(tx: Transaction, organization_id: str, containment_id: str, *, by: str) -> dict[str, Any]:
    """Return the proof of a containment as plain JSON; NotFound where the organization has none of that id.

    Moments are ISO 8601 in UTC, lengths of time are seconds.
    """
    found = board.get(tx, organization_id, containment_id)
    row = found.row
    asked = approvals.every_for(tx, Subject.CONTAINMENT, row.id)
    entries = audit_entries(tx, organization_id, row.id, asked)
    head = log.head(tx, organization_id)
    made: dict[str, Any] = {
        "kind": KIND,
        "made_at": clock.now(),
        "made_by": by,
        "made_with": f"Ringfence {ringfence.__version__}",
        "organization": organizations.get(tx, organization_id).name,
        "result": reports.result(service.get(tx, row.id)),
        "containment": {
            **asdict(row),
            "desired": row.desired,
            "observed": row.observed,
            "playbook": found.playbook_name,
        },
        "alert": _alert(tx, organization_id, row.alert_id),
        "decision": {"verdict": _raw_verdict(tx, row.id), "policy": _policy(tx, organization_id, row.id)},
        "approvals": [_approval(each) for each in asked],
        "events": [asdict(each) for each in found.events],
        "holders": [asdict(each) for each in found.holds],
        "clocks": asdict(found.clocks),
        "exchanges": [{**asdict(each), "outcome": each.outcome} for each in exchanges.of(tx, row.id)],
        "told_to_the_alert": [asdict(each) for each in reports.of(tx, row.id)],
        "audit": {
            "entries": [entry.document() for entry in entries],
            "head": None if head is None else {"number": head.number, "hash": head.hash},
        },
    }
    plain: dict[str, Any] = _plain(made)
    return plain


def audit_entries(tx: Transaction, organization_id: str, containment_id: str, asked: Sequence[Approval]) -> list[Entry]:
    """Return what the audit log says of a containment and of the questions about it, in the order of the log."""
    about = log.of_subject(tx, organization_id, "containment", [containment_id])
    about += log.of_subject(tx, organization_id, "approval", [each.id for each in asked])
    return sorted(about, key=lambda entry: entry.number)


def _raw_verdict(tx: Transaction, containment_id: str) -> Any:
    return service.get(tx, containment_id).verdict


def _alert(tx: Transaction, organization_id: str, alert_id: str | None) -> dict[str, Any] | None:
    if alert_id is None:
        return None
    try:
        alert = queue.get(tx, organization_id, alert_id)
    except NotFound:
        return None
    versions = [
        {
            "version": each.version,
            "seen_at": each.seen_at,
            "source": each.source,
            "found_by": each.found_by,
            "standing": each.standing,
            "transitions": each.transitions,
            "compared_with": each.compared_with,
            "differences": [asdict(one) for one in each.differences.fields],
            "differences_left_out": each.differences.left_out,
            "document": each.raw,
        }
        for each in queue.versions(tx, organization_id, alert)
    ]
    return {**asdict(alert), "versions": versions}


def _policy(tx: Transaction, organization_id: str, containment_id: str) -> dict[str, Any] | None:
    """Return the policy that counted when the containment was decided: its layers never change, so it can be read still."""
    containment = service.get(tx, containment_id)
    decided_at = containment.decided_at
    if decided_at is None:
        return None
    group = containment.device_group
    scopes = [("provider", PROVIDER), ("organization", Scope(organization_id))]
    if group is not None:
        scopes.append((f"device group {group}", Scope(organization_id, group)))
    layers = [(name, _as_of(tx, scope, decided_at)) for name, scope in scopes]
    counted = [(name, version) for name, version in layers if version is not None]
    made = effective([Layer(name, version.document) for name, version in counted])
    return {
        "version": " · ".join(f"{name} {version.version}" for name, version in counted) or "default",
        "layers": [
            {
                "layer": name,
                "version": version.version,
                "made_by": version.made_by,
                "made_at": version.made_at,
                "note": version.note,
                "document": version.document,
            }
            for name, version in counted
        ],
        "lines": [asdict(line) for line in made.lines],
    }


def _as_of(tx: Transaction, scope: Scope, moment: datetime) -> Version | None:
    known = policies.history(tx, scope)
    return next((each for each in known if each.made_at is not None and each.made_at <= moment), None)


def _approval(approval: Approval) -> dict[str, Any]:
    return {
        "id": approval.id,
        "state": approval.state,
        "detail": approval.detail,
        "asked_at": approval.asked_at,
        "expires_at": approval.expires_at,
        "escalated_at": approval.escalated_at,
        "closed_at": approval.closed_at,
        "question": asdict(approval.question),
        "answers": [asdict(each) for each in approval.answers],
    }


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return clock.iso(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def written(proof: Mapping[str, Any]) -> bytes:
    """Write a proof as UTF-8 JSON, indented; what UTF-8 cannot hold is escaped."""
    try:
        return json.dumps(proof, ensure_ascii=False, indent=2).encode()
    except UnicodeEncodeError:
        return json.dumps(proof, ensure_ascii=True, indent=2).encode()
