from datetime import timedelta
from functools import partial

import pytest

from ringfence.errors import Invalid
from ringfence.organizations import members
from ringfence.organizations import service as organizations
from ringfence.security import sessions, sign_in_rules
from ringfence.security.rbac import Role
from ringfence.security.sign_in_rules import Demand
from ringfence.storage import Database, Transaction


def test_an_organization_demands_more_than_the_installation_never_less(database: Database) -> None:
    def work(tx: Transaction) -> tuple[str, str, str]:
        contoso = organizations.create(tx, "contoso").id
        boss = members.ensure(tx, contoso, "boss", Role.ORGANIZATION_ADMINISTRATOR)
        return contoso, boss, members.ensure(tx, contoso, "alex", Role.ANALYST)

    contoso, boss, alex = database.run_now(work)
    pradeep = database.run_now(lambda tx: members.ensure(tx, contoso, "pradeep", Role.RESPONDER))

    def asked(installation: Demand, user_id: str) -> bool:
        return database.read_now(partial(sign_in_rules.must_have, installation=installation, user_id=user_id))

    def must(installation: Demand) -> tuple[bool, bool]:
        return asked(installation, boss), asked(installation, alex)

    assert database.read_now(lambda tx: sign_in_rules.demand_of(tx, contoso)) is Demand.NOBODY
    assert must(Demand.NOBODY) == (False, False)
    assert must(Demand.ADMINISTRATORS) == must(Demand.RESPONDERS) == (True, False)
    assert [asked(each, pradeep) for each in Demand] == [False, False, True, True]
    database.run_now(lambda tx: sign_in_rules.change(tx, contoso, " Administrators "))
    assert must(Demand.NOBODY) == (True, False)
    assert must(Demand.EVERYBODY) == (True, True)
    with pytest.raises(Invalid, match="demanded"):
        database.run_now(lambda tx: sign_in_rules.change(tx, contoso, "somebody"))
    tokens = [database.run_now(lambda tx, who=who: sessions.start(tx, who, timedelta(hours=1))) for who in (boss, alex)]  # type: ignore[misc]
    assert database.run_now(lambda tx: sign_in_rules.sign_out_who_lack_it(tx, contoso, Demand.NOBODY)) == 1
    left = [database.read_now(lambda tx, token=token: sessions.find(tx, token)) for token in tokens]  # type: ignore[misc]
    assert [each is None for each in left] == [True, False]


def test_system_administrators_are_administrators_everywhere(database: Database) -> None:
    def work(tx: Transaction) -> str:
        return members.ensure(tx, organizations.create(tx, "contoso").id, "root", Role.SYSTEM_ADMINISTRATOR)

    root = database.run_now(work)
    assert database.read_now(lambda tx: sign_in_rules.must_have(tx, root, Demand.ADMINISTRATORS))
    assert not database.read_now(lambda tx: sign_in_rules.must_have(tx, root, Demand.NOBODY))
