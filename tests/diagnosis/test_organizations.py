from contoso import seed
from ringfence.containment import board
from ringfence.diagnosis import organizations
from ringfence.organizations import members
from ringfence.security.rbac import Role
from ringfence.storage import Database


def test_each_organization_has_a_line_with_what_is_open_there(embedded: Database) -> None:
    contoso = embedded.run_now(seed)
    fabrikam = embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    embedded.run_now(lambda tx: members.ensure(tx, fabrikam.organization_id, "megan.bowen", Role.READ_ONLY))
    one, other = embedded.read_now(lambda tx: organizations.lines(tx, contoso.user_id))
    assert [(each.place.organization.name, each.place.role) for each in (one, other)] == [
        ("contoso", Role.ORGANIZATION_ADMINISTRATOR),
        ("fabrikam", Role.READ_ONLY),
    ]
    assert (one.incidents, one.broken) == (other.incidents, other.broken)
    assert one.incidents > 0
    assert one.broken == 1
    counted = embedded.read_now(lambda tx: board.counts(tx, contoso.organization_id))
    assert counted.moving > 0
    # As on the overview: what is only on its way holds nothing.
    assert one.held == counted.contained > 0
