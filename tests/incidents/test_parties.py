from typing import Any

from hostile import HOSTILE
from ringfence.incidents.parties import User, users


def person(name: str, **more: Any) -> dict[str, Any]:
    return {"entityType": "User", "accountName": name, "domainName": "CONTOSO"} | more


def test_users_come_from_evidence_from_who_was_logged_on_and_from_the_alert_itself() -> None:
    first = {"evidence": [person("adele.vance", userSid="S-1-5-21-1"), {"entityType": "File", "accountName": "no"}]}
    second = {
        "relatedUser": {"userName": "Adele.Vance", "domainName": "contoso"},
        "loggedOnUsers": [{"accountName": "alex.wilber", "domainName": "CONTOSO"}],
        "evidence": [person("adele.vance", userPrincipalName="adele.vance@contoso.com")],
    }
    assert users([first, second]) == (
        User("CONTOSO\\adele.vance", "adele.vance@contoso.com", "S-1-5-21-1", 2),
        User("CONTOSO\\alex.wilber", "", "", 1),
    )


def test_a_user_with_nothing_but_a_principal_name_is_known_by_that() -> None:
    found = users([{"evidence": [{"entityType": "User", "userPrincipalName": "guest@fabrikam.com"}]}])
    assert [each.name for each in found] == ["guest@fabrikam.com"]


def test_documents_of_any_shape_are_passed_over() -> None:
    odd: list[Any] = [None, [], "x", {}, {"evidence": {}}, {"evidence": [None, 1, {"entityType": "User"}]}]
    odd += [{"evidence": [person(text)], "relatedUser": [1], "loggedOnUsers": {"a": 1}} for text in HOSTILE]
    assert len(users(odd)) == len(HOSTILE)
