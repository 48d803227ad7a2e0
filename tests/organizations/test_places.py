from datetime import timedelta

import pytest

from ringfence.errors import NotFound
from ringfence.organizations import members, places, service
from ringfence.security import sessions
from ringfence.security.rbac import Role
from ringfence.storage import Database, Transaction, changes


def test_a_browser_goes_over_to_another_organization_with_new_tokens(embedded: Database) -> None:
    def work(tx: Transaction) -> tuple[str, str, str, str]:
        contoso, fabrikam, other = (service.create(tx, name).id for name in ("Contoso", "Fabrikam", "Other"))
        user_id = members.ensure(tx, contoso, "tom", Role.RESPONDER)
        members.ensure(tx, fabrikam, "tom", Role.READ_ONLY)
        return contoso, fabrikam, other, sessions.start(tx, user_id, timedelta(hours=1))

    contoso, fabrikam, other, token = embedded.run_now(work)
    assert embedded.read_now(lambda tx: places.chosen(tx, token)) is None
    before = embedded.read_now(lambda tx: sessions.find(tx, token))
    fresh, place = embedded.run_now(lambda tx: places.choose(tx, token, contoso))
    assert (place.organization.name, place.role) == ("Contoso", Role.RESPONDER)
    after = embedded.read_now(lambda tx: sessions.find(tx, fresh))
    assert before is not None
    assert after is not None
    # A form that was opened in the organization before is not accepted in this one.
    assert before.csrf != after.csrf
    assert embedded.read_now(lambda tx: sessions.find(tx, token)) is None
    fresh, _ = embedded.run_now(lambda tx: places.choose(tx, fresh, fabrikam))
    assert embedded.read_now(lambda tx: places.chosen(tx, fresh)) == fabrikam
    for foreign in (other, "nothing"):
        with pytest.raises(NotFound, match="for you"):
            embedded.run_now(lambda tx, foreign=foreign: places.choose(tx, fresh, foreign))  # type: ignore[misc]


def test_revoking_a_session_is_told_where_its_browser_works(embedded: Database) -> None:
    def work(tx: Transaction) -> tuple[str, str, str]:
        contoso, fabrikam = (service.create(tx, name).id for name in ("Contoso", "Fabrikam"))
        user_id = members.ensure(tx, contoso, "tom", Role.RESPONDER)
        members.ensure(tx, fabrikam, "tom", Role.READ_ONLY)
        fresh, _ = places.choose(tx, sessions.start(tx, user_id, timedelta(hours=1)), fabrikam)
        assert fresh
        return user_id, contoso, fabrikam

    user_id, _, fabrikam = embedded.run_now(work)
    number = embedded.read_now(changes.latest)
    embedded.run_now(lambda tx: sessions.revoke_all(tx, user_id))
    told = embedded.read_now(lambda tx: changes.after(tx, number))
    assert [(each.organization_id, each.noun, each.kind) for each in told] == [(fabrikam, "session", "ended")]


def test_who_works_in_the_only_organization_stays_there_when_another_is_made(database: Database) -> None:
    def work(tx: Transaction) -> tuple[str, str]:
        contoso = service.create(tx, "Contoso").id
        root = members.ensure(tx, contoso, "root", Role.SYSTEM_ADMINISTRATOR)
        return contoso, sessions.start(tx, root, timedelta(hours=1))

    contoso, token = database.run_now(work)
    database.run_now(lambda tx: service.create(tx, "Fabrikam"))
    assert database.read_now(lambda tx: places.chosen(tx, token)) == contoso
