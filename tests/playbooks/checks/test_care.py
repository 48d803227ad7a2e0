import pytest

from ringfence.actions.catalogue import discover
from ringfence.playbooks.checks import check_text
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.installation import Installation
from ringfence.security.egress import networks

VALUE = "one: {{action: logic.set, with: {{values: {{say: '{}'}}}}}}"


def _codes(steps: str, installation: Installation | None = None) -> list[str]:
    return [problem.code for problem in check_text(example(steps), discover(), installation)]


@pytest.mark.parametrize(
    "secret",
    [
        "abc8Q~" + "x1Y2" * 8,
        "AKIA" + "ABCDEFGH12345678",
        "ghp_" + "a1B2" * 9,
        "eyJhbGciOiJub25l.eyJzdWIiOiJtZWdhbiJ9.",
        "-----BEGIN RSA PRIVATE KEY-----",
        "https://adele:winter@contoso.example/",
        "https://hooks.slack.com/services/T000/B000/xyz",
    ],
)
def test_a_secret_is_found_by_its_form_and_never_repeated(secret: str) -> None:
    (problem,) = check_text(example(VALUE.format(secret)), discover())
    assert problem.code == "secret-in-document"
    assert secret not in f"{problem.message} {problem.advice}"


def test_a_telling_name_warns_unless_its_value_is_looked_up() -> None:
    assert _codes("one: {action: logic.set, with: {values: {client_secret: abc}}}") == ["perhaps-secret"]
    assert _codes("one: {action: logic.set, with: {values: {token: '${trigger.input.token}', tokens: x}}}") == []


@pytest.mark.parametrize(
    "address",
    [
        "http://localhost:8080/x",
        "https://10.1.2.3/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://2130706433/",
    ],
)
def test_an_address_inside_the_own_network_is_refused_unless_the_operator_names_it(address: str) -> None:
    assert _codes(VALUE.format(address), Installation()) == ["private-address"]
    everything = networks("10.0.0.0/8, 127.0.0.0/8, ::1/128")
    assert _codes(VALUE.format(address), Installation(allowed=everything)) == []


@pytest.mark.parametrize(
    "address", ["https://contoso.example/10.0.0.1", "http://[", "https://20.1.2.3/", "http://99999999999/"]
)
def test_other_addresses_are_left_alone(address: str) -> None:
    assert _codes(VALUE.format(address), Installation()) == []


def test_a_mail_is_sent_to_no_address_inside_the_installations_own_network() -> None:
    mail = "one: {{action: mail.send, with: {{by: m, to: [asmith@contoso.com, '{}'], subject: s, text: 'root@127.0.0.1'}}}}"
    here = Installation(channels=frozenset({"m"}))
    for to, found in (
        ("root@localhost", 1),
        ("b@[10.1.2.3]", 1),
        ("Bob <b@[IPv6:::1]>", 1),
        ("${trigger.input.to}", 0),
    ):
        assert _codes(mail.format(to), here).count("private-address") == found, to
    allowed = Installation(channels=frozenset({"m"}), allowed=networks("10.0.0.0/8"))
    assert "private-address" not in _codes(mail.format("b@[10.1.2.3]"), allowed)
