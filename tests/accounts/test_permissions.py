import pytest

from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import FEATURES, PURPOSES, Wish, accepted, api_of, chosen, compare, has, needs
from ringfence.defender import OPERATIONS, Api
from ringfence.errors import Invalid


def roles(*features: str, wishes: tuple[Wish, ...] = (), graph: bool = False) -> list[str]:
    return [need.role for need in needs(features, wishes, graph=graph)]


def test_every_role_of_an_operation_has_an_api_and_a_purpose_and_every_feature_names_such_roles() -> None:
    asked = {(each.api, role) for each in OPERATIONS.values() for role in each.permissions}
    assert {role for _, role in asked} == PURPOSES.keys()
    assert all(api_of(role) is api for api, role in asked)
    for feature in FEATURES.values():
        assert set(feature.roles) <= asked, feature.id


def test_what_everything_needs_is_there_whatever_is_chosen_and_unknown_features_are_refused() -> None:
    assert chosen(()) == ("contain",)
    assert chosen((" users", "write_back", "")) == USUAL
    with pytest.raises(Invalid, match="no feature 'fly'") as caught:
        chosen(["fly"])
    assert "live_response" in caught.value.advice


def test_a_wider_role_makes_the_narrower_one_needless_and_takes_its_reasons_over() -> None:
    assert roles() == ["Alert.Read.All", "Machine.Read.All", "Machine.Isolate"]
    assert roles("write_back") == ["Machine.Read.All", "Machine.Isolate", "Alert.ReadWrite.All"]
    (alerts,) = (need for need in needs(("write_back",)) if need.role == "Alert.ReadWrite.All")
    assert (alerts.features, alerts.base) == (("write_back", "contain"), ("Alert.Read.All",))


def test_playbooks_and_services_ask_for_more_and_are_named() -> None:
    wishes = (
        Wish("1", "Scan", ("Machine.Scan", "Machine.Read.All")),
        Wish("2", "Scan twice", ("Machine.Scan",)),
        Wish("", "", ("Score.Read.All", "No.Such.Role")),
    )
    found = {need.role: need for need in needs((), wishes, graph=True)}
    assert found["Machine.Scan"].playbooks == ("Scan", "Scan twice")
    assert found["Machine.Scan"].reason == "the playbooks Scan, Scan twice"
    assert found["Score.Read.All"].reason == "a call that Defender refused lately"
    assert found["SecurityAlert.Read.All"].api is Api.GRAPH
    assert "the playbook Scan" in found["Machine.Read.All"].reason
    assert "No.Such.Role" not in found


def test_roles_are_compared_by_what_they_allow_and_without_regard_to_case() -> None:
    assert accepted(Api.MDE, "Machine.Read.All") == {"Machine.Read.All", "Machine.ReadWrite.All"}
    assert has(("Url.Read.All",), Api.MDE, "URL.Read.All")
    assert not has(("Alert.Read.All",), Api.MDE, "Alert.ReadWrite.All")
    assert accepted(Api.MDE, "No.Such.Role") == {"No.Such.Role"}


def test_missing_superfluous_and_unknown_roles_are_told_apart() -> None:
    needed = needs(("write_back", "users", "graph_alerts"))
    granted = {Api.MDE: ("Alert.Read.All", "machine.isolate", "Machine.ReadWrite.All", "Machine.Offboard")}
    standing = compare(needed, granted)
    assert [need.role for need in standing.granted] == ["Machine.Read.All", "Machine.Isolate"]
    missing = {need.role: need.essential for need in standing.missing}
    # Alerts can be read, which is all that the account is of no use without.
    assert missing == {"Alert.ReadWrite.All": False, "User.Read.All": False}
    assert [need.role for need in standing.unknown] == ["SecurityAlert.Read.All"]
    assert standing.superfluous == ((Api.MDE, "Machine.Offboard"),)
    bare = compare(needs(()), {Api.MDE: (), Api.GRAPH: ("Mail.Read",)})
    assert all(need.essential for need in bare.missing)
    assert bare.superfluous == ((Api.GRAPH, "Mail.Read"),)
