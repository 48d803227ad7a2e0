from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.installation import Installation, KnownAccount, Publisher
from ringfence.playbooks.model import Effect
from ringfence.playbooks.problems import Problem

READS = "one: {action: defender.get_machine, with: {machine: abc}}"
CALLS = "one: {action: playbook.call, with: {component: Cut off, version: '1.0'}}"
ISOLATES = "cut: {action: containment.contain, with: {machine: abc, reason: x, auto_release: 1 h}}"
MEGAN = Publisher("megan", may=frozenset(Effect) - {Effect.CONTAIN}, holders={"contain": ("adele", "nestor")})


def _problems(text: str, installation: Installation, code: str) -> list[Problem]:
    return [each for each in check_text(text, discover(), installation) if each.code == code]


def test_a_wider_role_covers_a_narrower_one_and_the_missing_one_is_named() -> None:
    wider = Installation(accounts=(KnownAccount("contoso", roles=("Machine.ReadWrite.All",)),))
    narrow = Installation(accounts=(KnownAccount("contoso", roles=("Alert.Read.All",)),))
    assert _problems(example(READS), wider, "missing-permission") == []
    (problem,) = _problems(example(READS), narrow, "missing-permission")
    assert problem.message == "defender.get_machine needs Machine.Read.All, which the account 'contoso' does not have."
    assert (problem.step, problem.field) == ("one", "action")


def test_what_is_not_proven_is_not_held_against_an_account() -> None:
    unknown = Installation(accounts=(KnownAccount("contoso"), KnownAccount("fabrikam", "failed", "x", ("Nothing",))))
    assert (
        _problems(example(READS, trigger="{type: defender.alert, severity: [High]}"), unknown, "missing-permission")
        == []
    )


def test_a_role_of_another_api_is_looked_for_among_those_that_were_asked_about_there() -> None:
    text = example("one: {action: graph_security.update_alert, with: {alert: a, status: resolved}}")
    has, lacks, unknown = (
        Installation(accounts=(KnownAccount("contoso", roles=("Alert.Read.All",), other_roles=roles),))
        for roles in ({"graph": ("SecurityAlert.ReadWrite.All",)}, {"graph": ("SecurityAlert.Read.All",)}, {})
    )
    assert _problems(text, has, "missing-permission") == []
    assert _problems(text, unknown, "missing-permission") == []
    (problem,) = _problems(text, lacks, "missing-permission")
    assert "needs SecurityAlert.ReadWrite.All" in problem.message


def test_a_component_does_not_lend_the_right_to_contain() -> None:
    inner, outer = read(example(ISOLATES)).playbook, read(example(CALLS.replace("Cut off", "Inner"))).playbook
    assert inner is not None
    assert outer is not None
    components = {("Cut off", "1.0"): outer, ("Inner", "1.0"): inner}
    here = Installation(components=components, publisher=MEGAN)
    (problem,) = _problems(example(CALLS), here, "not-allowed")
    assert problem.message == (
        "megan may not publish containment.contain, which contains hosts or lets them go, through the component that it calls."
    )
    assert problem.advice.endswith("publish it: adele, nestor.")


def test_who_may_publish_nothing_is_told_at_the_name() -> None:
    here = Installation(publisher=Publisher("megan", may_publish=False))
    (problem,) = _problems(example("one: {action: logic.set, with: {values: {}}}"), here, "not-allowed")
    assert (problem.line, problem.advice) == (2, "Nobody has this right.")


def test_without_a_publisher_nobody_is_judged() -> None:
    assert _problems(example(ISOLATES), Installation(), "not-allowed") == []
