"""Contoso with something of everything that a page can show: what every page is visited and pictured with."""

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import sqlalchemy as sa

from approval_samples import QUESTION, ask
from contoso import STARTER, Contoso, rule_everywhere
from form_samples import a_task_with_a_form
from notification_world import a_channel
from response_samples import a_response
from ringfence import clock
from ringfence.actions.catalogue import discover
from ringfence.containment import policies
from ringfence.listeners import webhooks
from ringfence.notifications import links, rulebook
from ringfence.notifications.routing import Rule, Who
from ringfence.organizations import first, members, teams
from ringfence.organizations import service as organizations
from ringfence.outbound import accounts as http_accounts
from ringfence.outbound import destinations
from ringfence.outbound.model import NewHttpAccount
from ringfence.rehearsals import trying
from ringfence.responses.kinds import Kind
from ringfence.security import links as sign_in_links
from ringfence.security import providers, sessions, steps, tokens
from ringfence.security.providers import NewProvider
from ringfence.security.rbac import Permission, Role, command_line
from ringfence.security.sessions import Visitor
from ringfence.services import records as services
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alert_versions, alerts, containments
from ringfence.subscriptions import records as subscriptions
from ringfence.tables import entries
from ringfence.tables import service as lists
from ringfence.tables.model import NewEntry
from webserver import VAULT, Site

_EDGE = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 Safari/537.36 Edg/126.0.0.0"


def furnish(database: Database, contoso: Contoso) -> dict[str, str]:
    """Add the rows, and return what stands in addresses in the place of names such as `alert_id`."""
    here = contoso.organization_id
    found = {name: str(getattr(contoso, name)) for name in contoso.__dataclass_fields__}
    question = ask(database, here, needed=2, approvers=("ines.park", "alex.wilber"))
    asked = ask(
        database, here, subject_id="c-2", text="Cut hr-ws-007.contoso.com off the network? Credential theft from LSASS",
        reasons=("Three hosts were isolated within the hour, and the brake asks for a person.",),
        bound_to=QUESTION.bound_to | {"name": "hr-ws-007.contoso.com", "tags": ["HR"]},
    )  # fmt: skip
    scan = a_response(database, contoso, Kind.SCAN, "hr-ws-007")
    a_response(database, contoso, Kind.OFFBOARD, "mkt-ws-004")
    response = a_response(database, contoso, Kind.RESTRICT)
    channel = a_channel(database, here, name="soc-chat")
    a_task_with_a_form(database, here, contoso.incident_number)
    yes, _ = database.run_now(lambda tx: links.make(tx, VAULT, asked, "ines.park"))
    return found | database.run_now(lambda tx: _rows(tx, contoso)) | {
        "approval_id": question.id,
        "channel_id": channel.id,
        "response_id": response,
        "scan_id": scan,
        "answer": yes,
    }  # fmt: skip


def entering(database: Database, contoso: Contoso, values: Mapping[str, str]) -> dict[str, str]:
    """Return the cookies of all visitors: of somebody who may do everything, everywhere, and of who is on their way in."""

    def start(user_id: str) -> str:
        return database.run_now(lambda tx: sessions.start(tx, user_id, timedelta(hours=1)))

    tokens = {"session": start(contoso.user_id), "fabrikam": start(values["fabrikam_id"]), "nobody": ""}
    database.run_now(lambda tx: rule_everywhere(tx, contoso))
    return tokens | {"code": values["code"], "enrol": values["enrol"]}


def beginning(database: Database) -> tuple[dict[str, str], dict[str, str]]:
    """Return what addresses name and the cookies of visitors where nothing is there yet but the first administrator."""

    def work(tx: Transaction) -> tuple[dict[str, str], dict[str, str]]:
        token = first.offer(tx)
        assert token is not None
        return {"first": token}, {"nobody": ""}

    return database.run_now(work)


def _rows(tx: Transaction, contoso: Contoso) -> dict[str, str]:
    here, by = contoso.organization_id, "megan.bowen"
    root = command_line("root", here)
    found = {"service_id": services.every(tx, here)[0].id}
    _history(tx, contoso)
    for name, role in (
        ("alex.wilber", Role.ANALYST),
        ("ines.park", Role.RESPONDER),
        ("diego.siciliani", Role.READ_ONLY),
    ):
        found["other_id"] = members.ensure(tx, here, name, role)
        sessions.start(tx, found["other_id"], timedelta(hours=1), visitor=Visitor("203.0.113.20", _EDGE))
    teams.put(tx, here, "tier-2", ("alex.wilber", "ines.park"))
    policies.write(tx, policies.Scope(here), {"max_per_hour": 10}, expected_version=0, by=by)
    fabrikam = organizations.create(tx, "fabrikam").id
    found["fabrikam_id"] = members.ensure(tx, fabrikam, "miriam.graham", Role.ORGANIZATION_ADMINISTRATOR)
    at_night = Rule(
        "Failures at night", Who(("soc-chat",), (), ("tier-2",)), ("account_failed", "kill_switch"), "High", (),
        "22:00-06:00 Europe/Berlin", 900.0, Who(people=("megan.bowen",)),
    )  # fmt: skip
    found["rule_id"] = rulebook.put(tx, here, at_night, by=by).id
    table = lists.make(tx, here, "Executives", "text", "Accounts that are never disabled without a question", by=by)
    found["table"] = table.id
    people = ("adele.vance", "patti.fernandez", "lee.gu", "isaiah.langer")
    entries.put(tx, table, [NewEntry(f"{each}@contoso.com", "Board") for each in people], by=by)
    lists.make(tx, here, "Known scanners", "network", "Addresses that our own scanners use", by=by)
    destinations.allow(tx, here, "reputation.fabrikam.com", "Reputation of files and addresses", by=by)
    header = NewHttpAccount(
        name="reputation", kind="header", address="https://reputation.fabrikam.com/v2", secret="no-key"
    )
    http_accounts.add(tx, VAULT, here, header, by=by)
    webhooks.add(tx, VAULT, here, "Ticket desk", by)
    events = ("containment.contained", "containment.released")
    subscriptions.add(tx, VAULT, here, "siem", "https://siem.contoso.com/hooks/ringfence", events, by=by)
    providers.put(
        tx, VAULT, root, NewProvider("contoso", "https://login.contoso.com", "ringfence", "no-secret", "Contoso")
    )
    scopes = (Permission.ALERT_READ, Permission.RUN_READ)
    me = members.actor(tx, contoso.user_id, here, label=by, how="session")
    assert me is not None
    tokens.create(tx, me, "siem", scopes, timedelta(days=90))
    found["trial_id"] = trying.ask_backtest(tx, here, "Contain ransomware", STARTER, discover(), by, days=30).id
    found["reset"] = steps.begin(tx, steps.Kind.RESET, {}, user_id=contoso.user_id)
    found["link"] = sign_in_links.create(tx, contoso.user_id, timedelta(minutes=30))
    way = {"how": "password", "next": "/"}
    found["code"] = steps.begin(tx, steps.Kind.CODE, way, user_id=contoso.user_id)
    found["enrol"] = steps.begin(tx, steps.Kind.ENROL, way, user_id=contoso.user_id)
    return found


def _history(tx: Transaction, contoso: Contoso) -> None:
    """Let sixty hosts have been contained and let go again in the last four weeks, always in the same way."""
    chance = random.Random(3)
    rows: list[dict[str, Any]] = []
    for _ in range(60):
        at = clock.now() - timedelta(days=chance.random() * 28, minutes=90)
        took = timedelta(seconds=chance.lognormvariate(3.6, 0.7))
        host = f"{chance.choice(('fin', 'hr', 'eng', 'mkt', 'sales'))}-ws-{chance.randrange(1, 90):03d}.contoso.com"
        rows.append(
            {
                "id": clock.new_id(), "organization_id": contoso.organization_id, "account_id": contoso.account_id,
                "request_key": clock.new_id(), "target": host, "machine_name": host, "isolation_type": "Full",
                "reason": "Ransomware behavior detected", "requested_by": "playbook Contain ransomware 1.3",
                "state": "released", "deadline_at": at + timedelta(hours=4), "requested_at": at,
                "accepted_at": at + took / 3, "confirmed_at": at + took, "release_requested_at": at + took * 4,
                "released_at": at + took * 5, "finished_at": at + took * 5,
            }
        )  # fmt: skip
    tx.execute(sa.insert(containments), rows)


def add_alert(site: Site, title: str, **more: object) -> str:
    """Write an alert as the poller does."""
    contoso = site.contoso
    own_id = clock.new_id()

    def work(tx: Transaction) -> None:
        row = {
            "id": own_id,
            "organization_id": contoso.organization_id,
            "account_id": contoso.account_id,
            "alert_id": own_id,
            "version": 1,
            "title": title,
            "severity": "High",
            "status": "New",
            "category": "Malware",
            "machine_name": "new-ws-001.contoso.com",
            "ingested_at": clock.now(),
        }
        tx.execute(sa.insert(alerts).values(row | more))
        version = {"alert_id": own_id, "version": 1, "fingerprint": own_id[:32], "seen_at": clock.now(), "raw": "{}"}
        tx.execute(sa.insert(alert_versions).values(version))
        tx.changed(contoso.organization_id, "alert", own_id, "created")

    site.database.run_now(work)
    return own_id
