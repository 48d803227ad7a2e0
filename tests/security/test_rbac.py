import itertools

import pytest

from ringfence.errors import Forbidden, Invalid, MissingPermission
from ringfence.security.rbac import (
    PERMISSIONS,
    Actor,
    How,
    Permission,
    Role,
    acting_as,
    command_line,
    parse_role,
    require,
)


def somebody(role: Role, scopes: frozenset[Permission] | None = None) -> Actor:
    how: How = "session" if scopes is None else "token"
    return acting_as(role, user_id="1", name="ada", organization_id="o", label="x", how=how, scopes=scopes)


def test_each_role_may_do_what_those_below_it_may_and_more() -> None:
    roles = list(Role)
    for lower, higher in itertools.pairwise(roles):
        assert PERMISSIONS[lower] < PERMISSIONS[higher]
    assert PERMISSIONS[Role.SYSTEM_ADMINISTRATOR] == frozenset(Permission)


def test_each_permission_is_noun_and_verb_and_has_a_sentence_of_its_own() -> None:
    assert all(len(each.split(":")) == 2 and all(each.split(":")) for each in Permission)
    assert len({each.sentence for each in Permission}) == len(Permission)


def test_read_only_reads_everything_of_an_organization_and_changes_nothing_but_their_own() -> None:
    assert {each for each in PERMISSIONS[Role.READ_ONLY] if not each.endswith(":read")} == {Permission.SELF_MANAGE}
    assert {each for each in Permission if each.endswith(":read")} <= PERMISSIONS[Role.READ_ONLY]


def test_responders_contain_and_analysts_do_not() -> None:
    assert somebody(Role.RESPONDER).may(Permission.CONTAINMENT_CONTAIN)
    assert not somebody(Role.ANALYST).may(Permission.CONTAINMENT_CONTAIN)


def test_a_missing_permission_says_which_it_is_and_who_can_give_it() -> None:
    with pytest.raises(MissingPermission) as caught:
        require(somebody(Role.ANALYST), Permission.CONTAINMENT_CONTAIN)
    error = caught.value
    assert isinstance(error, Forbidden)
    assert error.permission == "containment:contain"
    assert "contain hosts" in error.message
    for said in ("containment:contain", "Analyst", "An Organization Administrator", "Responder"):
        assert said in error.advice
    assert "System" not in error.advice
    require(somebody(Role.RESPONDER), Permission.CONTAINMENT_CONTAIN)


def test_what_is_the_installations_is_given_by_a_system_administrator() -> None:
    with pytest.raises(MissingPermission) as caught:
        require(somebody(Role.ORGANIZATION_ADMINISTRATOR), Permission.ORGANIZATION_MANAGE)
    assert "A System Administrator can give" in caught.value.advice


def test_a_token_may_what_its_scopes_leave_of_its_owners_role() -> None:
    scopes = frozenset({Permission.ALERT_READ, Permission.CONTAINMENT_CONTAIN})
    assert somebody(Role.ANALYST, scopes).permissions == {Permission.ALERT_READ}
    with pytest.raises(MissingPermission) as caught:
        require(somebody(Role.RESPONDER, scopes), Permission.RUN_READ)
    assert "scope" in caught.value.advice


def test_the_command_line_on_the_server_is_a_system_administrator() -> None:
    actor = command_line("root", "o")
    assert (actor.role, actor.how, actor.user_id) == (Role.SYSTEM_ADMINISTRATOR, "cli", None)


def test_roles_are_read_as_people_write_them() -> None:
    assert parse_role(" Read Only ") is Role.READ_ONLY
    assert parse_role("organization-administrator") is Role.ORGANIZATION_ADMINISTRATOR
    with pytest.raises(Invalid) as caught:
        parse_role("owner")
    assert "read_only" in caught.value.advice
