from cli_world import Ringfence


def test_people_are_invited_listed_given_roles_and_removed(ringfence: Ringfence) -> None:
    ringfence("sign-in-link", "--user", "root", "--url", "http://ringfence.test")
    made = ringfence.json("user", "invite", "ines", "--role", "analyst", "--url", "http://ringfence.test")
    assert made["url"].startswith("http://ringfence.test/sign-in/link?token=")
    listed = ringfence("user", "list")
    assert "Analyst" in listed.stdout
    assert "System Administrators, in every organization: root." in listed.stderr
    assert ringfence("user", "role", "ines", "Responder").stdout == "ines is Responder in default.\n"
    assert "There is no role" in ringfence("user", "role", "ines", "owner", status=1).stderr
    assert "/sign-in/link?token=" in ringfence("user", "link", "ines", "--url", "http://ringfence.test").stdout
    assert "last System Administrator" in ringfence("user", "role", "root", "analyst", status=1).stderr
    assert ringfence("user", "remove", "ines").stdout == "ines works no longer in default.\n"
    assert "Nobody called" in ringfence("user", "remove", "ines", status=1).stderr


def test_who_works_in_another_organization_is_let_in_without_an_address(ringfence: Ringfence) -> None:
    ringfence("user", "invite", "ines", "--role", "analyst", "--url", "http://ringfence.test")
    ringfence("organization", "create", "Contoso")
    added = ringfence.json("--organization", "Contoso", "user", "invite", "ines", "--role", "responder")
    assert added["url"] is None
    items = ringfence.json("--organization", "Contoso", "user", "list")["items"]
    assert [(each["name"], each["role"]) for each in items] == [("ines", "responder")]
