import pytest

from accounts_samples import a_stored_account, an_organization
from ringfence.accounts import records
from ringfence.accounts.model import AccountState
from ringfence.accounts.permissions import Wish
from ringfence.accounts.picture import picture
from ringfence.defender import Api
from ringfence.errors import NotFound
from ringfence.storage import Database

SCAN = Wish("1", "Scan", ("Machine.Scan",))


def test_a_picture_has_needs_grants_users_and_history(embedded: Database) -> None:
    organization = an_organization(embedded)
    account = a_stored_account(embedded, organization, other_roles={"graph": ["Mail.Read"]})
    embedded.run_now(lambda tx: records.mark_degraded(tx, account.id, "Machine.Scan is missing."))
    seen = embedded.read_now(lambda tx: picture(tx, account.id, lambda *_: [SCAN], organization_id=organization))
    assert [need.role for need in seen.standing.missing] == ["Machine.Scan"]
    assert seen.standing.superfluous == ((Api.GRAPH, "Mail.Read"),)
    assert [each.name for each in seen.services] == ["contoso"]
    assert seen.playbooks == (SCAN,)
    assert [(each.event, each.reason) for each in seen.history] == [
        ("account:degraded", "Machine.Scan is missing."),
        ("account:added", ""),
    ]
    with pytest.raises(NotFound):
        embedded.read_now(lambda tx: picture(tx, account.id, lambda *_: (), organization_id="another"))


def test_what_was_never_proven_is_not_said_to_lack_anything(embedded: Database) -> None:
    organization = an_organization(embedded)
    account = a_stored_account(embedded, organization, state=AccountState.PENDING, proven_at=None, roles=())
    seen = embedded.read_now(lambda tx: picture(tx, account.id, lambda *_: (), organization_id=organization))
    assert seen.standing.missing == ()
    assert len(seen.standing.unknown) == 4
