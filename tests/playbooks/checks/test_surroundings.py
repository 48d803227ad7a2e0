from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.installation import Installation, KnownAccount, KnownService
from ringfence.playbooks.problems import Problem

STEP = "one: {action: logic.set, with: {values: {}}}"
MACHINE = "one: {action: defender.get_machine, with: {machine: abc}}"


def _problems(text: str, installation: Installation) -> list[Problem]:
    return check_text(text, discover(), installation)


def test_an_account_that_is_nearly_named_is_suggested_at_its_place() -> None:
    here = Installation(accounts=(KnownAccount("contoso"), KnownAccount("fabrikam")))
    (problem,) = _problems(example(STEP, trigger="{type: manual, account: contosso}"), here)
    assert (problem.line, problem.field) == (3, "trigger.account")
    assert problem.advice == "Did you mean 'contoso'? Connected are: contoso, fabrikam."


def test_a_disabled_account_is_found_through_its_service() -> None:
    here = Installation((KnownAccount("contoso", "disabled"),), (KnownService("eu", "contoso"),))
    (problem,) = _problems(example(STEP, trigger="{type: defender.alert, service: eu}"), here)
    assert (problem.code, problem.field) == ("account-disabled", "trigger.service")


def test_one_account_is_clear_by_itself_and_none_or_two_are_not() -> None:
    one = Installation(accounts=(KnownAccount("contoso"),))
    two = Installation(accounts=(KnownAccount("contoso"), KnownAccount("fabrikam")))
    assert _problems(example(MACHINE), one) == []
    assert [each.code for each in _problems(example(MACHINE), two)] == ["no-account"]
    assert _problems(example(MACHINE, trigger="{type: manual, on: machine}"), two) == []


def test_names_that_a_run_will_look_up_are_not_judged() -> None:
    steps = (
        "one: {action: notify.send, with: {to: '${trigger.input.room}', text: Look.}}\n"
        "two: {action: logic.approval, with: {of: '${trigger.input.who}', question: Go on?, timeout: 5 min}}"
    )
    assert _problems(example(steps), Installation()) == []


def test_a_service_of_a_package_is_looked_for_like_any_other_and_named_by_its_own_kind_of_trigger() -> None:
    desk = KnownService("desk", "", enabled=False, source="contoso_tickets.opened")
    here = Installation(services=(desk,), uninstalled=frozenset({"contoso_tickets.opened"}))
    for trigger, codes in (
        ("{type: service, service: dsek}", ["unknown-service"]),
        ("{type: service, service: desk}", ["app-not-installed", "service-off"]),
        ("{type: defender.alert, service: desk}", ["app-not-installed", "service-off", "wrong-service"]),
        ("{type: service, service: desk, where: evnt.a}", ["app-not-installed", "service-off", "where-variable"]),
    ):
        found = _problems(example(STEP, trigger=trigger), here)
        assert sorted(each.code for each in found) == codes, trigger
