from datetime import timedelta

import pytest

from ringfence.errors import Forbidden, MissingPermission, NotFound
from ringfence.organizations import members, sign_ins
from ringfence.organizations import service as organizations
from ringfence.security import sessions
from ringfence.security.rbac import Actor, Role, acting_as, command_line
from ringfence.storage import Database, Transaction


def _as(role: Role, organization_id: str) -> Actor:
    return acting_as(role, user_id="x", name="x", organization_id=organization_id, label="", how="session")


def test_administrators_help_those_who_are_not_above_them(database: Database) -> None:
    def work(tx: Transaction) -> tuple[str, str, str, str]:
        contoso, fabrikam = organizations.create(tx, "contoso").id, organizations.create(tx, "fabrikam").id
        alex = members.ensure(tx, contoso, "alex", Role.ANALYST)
        root = members.ensure(tx, contoso, "root", Role.SYSTEM_ADMINISTRATOR)
        members.ensure(tx, fabrikam, "alex", Role.ANALYST)
        for _ in range(2):
            sessions.start(tx, alex, timedelta(hours=1))
        return contoso, fabrikam, alex, root

    contoso, fabrikam, alex, root = database.run_now(work)
    boss = _as(Role.ORGANIZATION_ADMINISTRATOR, contoso)
    found = database.read_now(lambda tx: sign_ins.look(tx, boss, alex))
    assert (found.member.name, len(found.sessions), found.app.since) == ("alex", 2, None)
    assert database.run_now(lambda tx: sign_ins.revoke(tx, boss, alex, found.sessions[0].id)) == 1
    assert database.run_now(lambda tx: sign_ins.revoke(tx, boss, alex, None)) == 1
    assert not database.run_now(lambda tx: sign_ins.unlock(tx, boss, alex))
    with pytest.raises(Forbidden, match="other organizations"):
        database.run_now(lambda tx: sign_ins.reset_app(tx, boss, alex))
    assert not database.run_now(lambda tx: sign_ins.reset_app(tx, command_line("root", contoso), alex))
    with pytest.raises(Forbidden, match="System Administrator"):
        database.run_now(lambda tx: sign_ins.revoke(tx, boss, root, None))
    with pytest.raises(MissingPermission):
        database.read_now(lambda tx: sign_ins.look(tx, _as(Role.RESPONDER, contoso), alex))
    with pytest.raises(NotFound):
        database.read_now(lambda tx: sign_ins.look(tx, _as(Role.ORGANIZATION_ADMINISTRATOR, fabrikam), "nobody"))
