from collections.abc import Sequence
from datetime import timedelta

import httpx
import pytest

from contoso import Contoso
from ringfence import clock
from ringfence.audit import log
from ringfence.organizations import members
from ringfence.security import tokens
from ringfence.security.rbac import Actor, Permission, Role, acting_as
from ringfence.security.tokens import Token
from ringfence.storage import Database, Transaction

_P = Permission
_ALERTS = "/api/v1/alerts"


@pytest.fixture
def megan(contoso: Contoso) -> Actor:
    return acting_as(
        Role.ORGANIZATION_ADMINISTRATOR,
        user_id=contoso.user_id,
        name="megan.bowen",
        organization_id=contoso.organization_id,
        label="session 1",
        how="session",
    )


def _make(
    database: Database, actor: Actor, scopes: Sequence[Permission], role: Role | None = None
) -> tuple[Token, dict[str, str]]:
    lifetime = timedelta(days=30)
    token, secret = database.run_now(lambda tx: tokens.create(tx, actor, "ci", scopes, lifetime, service_role=role))
    return token, {"Authorization": f"Bearer {secret}"}


async def test_a_program_does_what_its_scopes_say_and_nothing_else(
    visitor: httpx.AsyncClient, embedded: Database, megan: Actor
) -> None:
    token, headers = _make(embedded, megan, (_P.ALERT_READ,))
    assert (await visitor.get(_ALERTS, headers=headers)).status_code == 200
    refused = await visitor.get("/api/v1/accounts", headers=headers)
    assert refused.status_code == 403
    assert "account:read" in refused.json()["advice"]
    assert (await visitor.get("/alerts", headers=headers)).status_code == 303
    found = embedded.read_now(lambda tx: tokens.get(tx, token.organization_id, token.id))
    assert found.used_at is not None
    assert found.used_from == "127.0.0.1"


async def test_a_change_by_a_token_needs_no_page_of_ours(
    visitor: httpx.AsyncClient, embedded: Database, megan: Actor
) -> None:
    _, headers = _make(embedded, megan, (_P.TABLE_READ, _P.TABLE_MANAGE), Role.ORGANIZATION_ADMINISTRATOR)
    document = {"name": "vips"}
    del visitor.headers["Origin"]
    made = await visitor.post("/api/v1/tables", headers=headers, json=document)
    assert made.status_code == 201, made.text
    entry = embedded.read_now(lambda tx: log.listing(tx, megan.organization_id, event="table")).entries[0]
    assert (entry.actor, entry.via) == ("ci", "api")
    assert (await visitor.post("/api/v1/tables", json=document)).status_code == 403


async def test_a_token_that_is_worth_nothing_says_why_and_is_written_down_a_few_times(
    visitor: httpx.AsyncClient, embedded: Database, megan: Actor
) -> None:
    token, headers = _make(embedded, megan, (_P.ALERT_READ,))
    now = clock.timestamp()
    clock.replace(lambda: now + 31 * 86_400)
    assert (await visitor.get(_ALERTS, headers=headers)).json()["detail"] == "This token has expired."
    clock.replace(lambda: now)
    embedded.run_now(lambda tx: tokens.revoke(tx, token, "megan.bowen"))
    for _ in range(10):
        answer = await visitor.get(_ALERTS, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
        assert answer.json()["detail"] == "This token was revoked."
    entries = embedded.read_now(lambda tx: log.listing(tx, megan.organization_id, event="token:refused")).entries
    assert 1 <= len(entries) <= 7
    assert {each.subject_id for each in entries} == {token.id}


@pytest.mark.parametrize("given", ["Bearer made-up", "bearer rf_" + "0" * 42, "Bearer ", "Bearer \xe9"])
async def test_what_is_no_token_is_refused_even_beside_a_session(client: httpx.AsyncClient, given: str) -> None:
    answer = await client.get(_ALERTS, headers={b"Authorization": given.encode("latin-1")})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_refused")
    assert "/me/tokens" in answer.json()["advice"]


async def test_a_personal_token_follows_the_role_of_its_person(
    visitor: httpx.AsyncClient, embedded: Database, megan: Actor, contoso: Contoso
) -> None:
    def join(tx: Transaction) -> str:
        return members.ensure(tx, contoso.organization_id, "alex", Role.RESPONDER)

    alex = acting_as(
        Role.RESPONDER,
        user_id=embedded.run_now(join),
        name="alex",
        organization_id=contoso.organization_id,
        label="",
        how="session",
    )
    _, headers = _make(embedded, alex, (_P.ALERT_READ,))
    assert (await visitor.get(_ALERTS, headers=headers)).status_code == 200
    embedded.run_now(lambda tx: members.remove(tx, contoso.organization_id, alex.user_id or "", megan))
    answer = await visitor.get(_ALERTS, headers=headers)
    assert answer.status_code == 401
    assert "no longer work" in answer.json()["detail"]
