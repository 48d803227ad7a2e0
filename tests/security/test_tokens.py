from datetime import timedelta
from functools import partial

import pytest

from ringfence import clock
from ringfence.errors import Forbidden, Invalid, NotFound
from ringfence.organizations import service as organizations
from ringfence.security import people, tokens
from ringfence.security.rbac import Actor, Permission, Role, acting_as, command_line
from ringfence.security.tokens import State
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import api_tokens

_P = Permission
_DAY = timedelta(days=1)


@pytest.fixture
def megan(database: Database) -> Actor:
    def work(tx: Transaction) -> Actor:
        contoso = organizations.create(tx, "contoso").id
        user_id = people.ensure(tx, contoso, "megan.bowen")
        role = Role.ORGANIZATION_ADMINISTRATOR
        return acting_as(role, user_id=user_id, name="megan.bowen", organization_id=contoso, label="s", how="session")

    return database.run_now(work)


def test_a_token_is_shown_once_and_stored_as_its_hash(database: Database, megan: Actor) -> None:
    token, secret = database.run_now(lambda tx: tokens.create(tx, megan, " ci ", (_P.ALERT_READ,), _DAY))
    assert (token.name, token.user_name, token.service, token.state) == ("ci", "megan.bowen", False, State.ACTIVE)
    assert secret.endswith(token.ending)
    stored = database.read_now(lambda tx: repr(tx.all(api_tokens.select())))
    assert secret not in stored
    assert database.read_now(lambda tx: tokens.find(tx, secret)) == token
    assert database.read_now(lambda tx: tokens.find(tx, secret[:-1] + "!")) is None
    assert tokens.worth_noting(token)
    database.run_now(lambda tx: tokens.used(tx, token, "198.51.100.7"))
    found = database.read_now(lambda tx: tokens.get(tx, megan.organization_id, token.id))
    assert (found.used_from, tokens.worth_noting(found)) == ("198.51.100.7", False)


def test_a_token_can_do_no_more_than_who_makes_it(database: Database, megan: Actor) -> None:
    analyst = acting_as(
        Role.ANALYST, user_id=megan.user_id, name="m", organization_id=megan.organization_id, label="", how="session"
    )
    by_token = acting_as(
        Role.ANALYST, user_id=megan.user_id, name="m", organization_id=megan.organization_id, label="", how="token"
    )
    for actor, scope, role in (
        (analyst, _P.CONTAINMENT_CONTAIN, None),
        (megan, _P.SYSTEM_MANAGE, None),
        (megan, _P.SELF_MANAGE, None),
        (megan, _P.CONTAINMENT_CONTAIN, Role.READ_ONLY),
        (by_token, _P.ALERT_READ, None),
    ):
        with pytest.raises(Forbidden):
            database.run_now(
                partial(tokens.create, actor=actor, name="x", scopes=(scope,), lifetime=_DAY, service_role=role)
            )


def test_a_token_has_a_name_an_end_and_a_person_or_a_role(database: Database, megan: Actor) -> None:
    def make(actor: Actor, name: str, lifetime: timedelta) -> None:
        database.run_now(lambda tx: tokens.create(tx, actor, name, (_P.ALERT_READ,), lifetime))

    nobody = command_line("root", megan.organization_id)
    for actor, name, lifetime in (
        (megan, "", _DAY),
        (megan, "x" * 101, _DAY),
        (megan, "x", timedelta(days=366)),
        (megan, "x", timedelta(0)),
        (nobody, "x", _DAY),
    ):
        with pytest.raises(Invalid):
            make(actor, name, lifetime)


def test_tokens_end_at_their_hour_or_when_they_are_revoked(database: Database, megan: Actor) -> None:
    first, _ = database.run_now(lambda tx: tokens.create(tx, megan, "one", (_P.ALERT_READ,), _DAY))
    service, _ = database.run_now(
        lambda tx: tokens.create(tx, megan, "two", (_P.ALERT_READ,), _DAY, service_role=Role.READ_ONLY)
    )
    assert [each.id for each in database.read_now(lambda tx: tokens.listing(tx, megan.organization_id))] == [
        service.id,
        first.id,
    ]
    theirs = database.read_now(lambda tx: tokens.listing(tx, megan.organization_id, user_id=megan.user_id))
    assert [each.id for each in theirs] == [first.id]
    assert database.run_now(lambda tx: tokens.revoke(tx, service, "alex")).state is State.REVOKED
    assert database.run_now(lambda tx: tokens.revoke(tx, service, "mara")).revoked_by == "alex"
    assert database.run_now(lambda tx: tokens.revoke_all(tx, megan.user_id or "", "alex")) == 1
    with pytest.raises(NotFound):
        database.read_now(lambda tx: tokens.get(tx, "another", first.id))
    later, _ = database.run_now(lambda tx: tokens.create(tx, megan, "three", (_P.ALERT_READ,), _DAY))
    now = clock.timestamp() + 86_400
    clock.replace(lambda: now)
    assert later.state is State.EXPIRED


def test_scopes_are_permissions_that_there_are() -> None:
    assert tokens.parse_scopes(["alert:read", " alert:read", "run:start"]) == (_P.ALERT_READ, _P.RUN_START)
    for given in ([], ["alert:write"], ["self:manage"], ["*"]):
        with pytest.raises(Invalid) as refused:
            tokens.parse_scopes(given)
        assert "alert:read" in refused.value.advice
