from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from cli_world import Ringfence
from outside import Pair, key_pair


@pytest.fixture
def registered(ringfence: Ringfence) -> Pair:
    """A certificate that the simulated application has. Certificates live by the machine's clock, and so do assertions."""
    ringfence.simulator.clock.thaw()
    pair = key_pair()
    next(iter(ringfence.tenant.apps.values())).certificates = [pair.certificate]
    return pair


def _without_secret(ringfence: Ringfence) -> list[str]:
    options = ringfence.account_options()
    ringfence.secret = None
    return options


def _write(folder: Path, name: str, *parts: str | bytes) -> str:
    path = folder / name
    path.write_bytes(b"".join(part.encode() if isinstance(part, str) else part for part in parts))
    return str(path)


def _protected(pair: Pair, password: str) -> bytes:
    key = serialization.load_pem_private_key(pair.key.encode(), None)
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(password.encode())
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def test_an_account_signs_in_by_certificate_and_shows_its_thumbprint_and_last_day(
    ringfence: Ringfence, registered: Pair, tmp_path: Path
) -> None:
    file = _write(tmp_path, "app.pem", registered.key, registered.certificate)
    said = ringfence("account", "add", *_without_secret(ringfence), "--certificate", file).stdout
    assert "ok      The tenant accepts the application and its certificate.\n" in said
    (account,) = ringfence.json("account", "list")["items"]
    assert (account["state"], len(account["certificate_thumbprint"])) == ("healthy", 40)
    assert account["secret_expires_on"] > "2020"
    assert "PRIVATE" not in str(account)
    assert f"certificate {account['certificate_thumbprint'][:4]}" in ringfence("account", "list").stdout
    assert ringfence("account", "test").stdout.endswith("The account contoso works.\n")


def test_a_key_of_its_own_and_its_password_come_from_a_file_and_from_stdin_or_a_person(
    ringfence: Ringfence, registered: Pair, tmp_path: Path
) -> None:
    options = _without_secret(ringfence)[2:]
    certificate = _write(tmp_path, "app.crt", registered.certificate)
    files = ["--certificate", certificate, "--key", _write(tmp_path, "app.key", _protected(registered, "pass"))]
    ringfence("account", "add", "--name", "a", *options, *files, "--password-stdin", stdin="pass\n")
    error = ringfence.error("account", "add", "--name", "b", *options, *files)
    assert error["code"] == "password_needed"
    ringfence.secret = "pass"
    ringfence("account", "add", "--name", "b", *options, *files)
    states = [each["state"] for each in ringfence.json("account", "list")["items"]]
    assert states == ["healthy", "healthy"]


def test_a_certificate_that_the_application_does_not_have_is_explained(
    ringfence: Ringfence, registered: Pair, tmp_path: Path
) -> None:
    other = key_pair()
    file = _write(tmp_path, "other.pem", other.key, other.certificate)
    said = ringfence("account", "add", *_without_secret(ringfence), "--certificate", file, status=1)
    assert "the tenant does not accept this certificate" in said.stdout
    assert "Certificates & secrets ▸ Certificates" in said.stdout
    assert ringfence.json("account", "list")["items"] == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--key", "app.key"], "Give --certificate FILE"),
        (["--password-stdin"], "Give --certificate FILE"),
        (["--certificate", "app.pem", "--secret-file", "-"], "Give --secret-file or --certificate"),
        (["--certificate", "nowhere.pem"], "PEM or a PFX"),
    ],
)
def test_options_that_do_not_go_together_are_refused(ringfence: Ringfence, options: list[str], said: str) -> None:
    assert said in ringfence.error("account", "add", *ringfence.account_options(), *options)["advice"]


def test_a_secret_gives_way_to_a_certificate_that_is_proven_first(
    connected: Ringfence, registered: Pair, tmp_path: Path
) -> None:
    other = key_pair()
    wrong = _write(tmp_path, "wrong.pem", other.key, other.certificate)
    said = connected("account", "renew", "--certificate", wrong, status=1)
    assert "keeps the old one" in said.stderr
    assert connected("account", "test").stdout.endswith("The account contoso works.\n")
    right = _write(tmp_path, "right.pem", registered.key, registered.certificate)
    said = connected("account", "renew", "contoso", "--certificate", right)
    assert "now signs in by certificate " in said.stdout
    application = next(iter(connected.tenant.apps.values()))
    kept, application.secrets = application.secrets, []
    assert connected("account", "test").stdout.endswith("The account contoso works.\n")
    application.secrets = kept
    connected.secret = kept[0].value
    document: Any = connected.json("account", "renew", "--expires-on", "2027-01-31")
    assert (document["account"]["certificate_thumbprint"], document["account"]["secret_expires_on"]) == (
        None,
        "2027-01-31",
    )


def test_an_account_is_switched_off_and_on(connected: Ringfence) -> None:
    assert "switched off" in connected("account", "disable").stdout
    assert connected.json("account", "list")["items"][0]["state"] == "disabled"
    connected.secret = "new"
    assert "account enable" in connected.error("account", "renew")["advice"]
    assert connected.json("account", "disable", "contoso")["account"]["state"] == "disabled"
    assert connected("account", "enable").stdout.endswith("The account contoso is switched on and works.\n")
    assert connected.json("account", "enable")["account"]["state"] == "healthy"


def test_an_account_that_does_not_work_when_it_is_switched_on_is_said_to_fail(connected: Ringfence) -> None:
    connected("account", "disable")
    next(iter(connected.tenant.apps.values())).disabled = True
    said = connected("account", "enable", status=1)
    assert "the application is switched off in the tenant" in said.stdout
    assert connected.json("account", "list")["items"][0]["state"] == "failed"


def test_what_is_lacking_and_what_is_too_much_is_said_apart_from_what_fails(connected: Ringfence) -> None:
    (app,) = connected.tenant.apps.values()
    app.roles = ["Alert.Read.All", "Machine.Read.All", "Machine.Isolate", "Machine.Offboard"]
    connected.json("account", "change", "--feature", "hunting")
    said = connected("account", "test", status=1).stdout
    assert "warn    The permission AdvancedQuery.Read.All is missing" in said
    assert "warn    More is granted for WindowsDefenderATP than is needed: Machine.Offboard.\n" in said
    assert "        Remove it from the application's API permissions" in said
    assert said.endswith("The account contoso is used, but not all that it is needed for works.\n")
    listed = connected("account", "list").stdout
    assert listed.count("AdvancedQuery.Read.All is missing") == 1
