import pytest

from ringfence.errors import Forbidden
from ringfence.organizations import invitations, members, service
from ringfence.security import links
from ringfence.security.rbac import Role, command_line
from ringfence.storage import Database, Transaction


def test_an_invitation_is_an_address_for_who_is_new_and_none_for_who_is_known(embedded: Database) -> None:
    server = command_line("root", "")

    def work(tx: Transaction) -> tuple[invitations.Invitation, invitations.Invitation, str]:
        contoso, fabrikam = service.create(tx, "Contoso").id, service.create(tx, "Fabrikam").id
        first = invitations.invite(tx, contoso, "ines", Role.ANALYST, server)
        return first, invitations.invite(tx, fabrikam, "ines", Role.READ_ONLY, server), contoso

    first, second, contoso = embedded.run_now(work)
    assert first.token is not None
    assert second.token is None
    token = first.token
    assert embedded.read_now(lambda tx: links.look(tx, token)).name == "ines"
    renewed = embedded.run_now(lambda tx: invitations.renew(tx, contoso, first.member.user_id, server))
    assert renewed.token is not None

    def administrator(tx: Transaction) -> None:
        ada = members.ensure(tx, contoso, "ada", Role.ORGANIZATION_ADMINISTRATOR)
        asker = members.actor(tx, ada, contoso, label="", how="session")
        assert asker is not None
        invitations.renew(tx, contoso, first.member.user_id, asker)

    with pytest.raises(Forbidden, match="other organizations"):
        embedded.run_now(administrator)
