from pathlib import Path

import pytest

from cli_world import ORIGIN, Ringfence


def test_an_account_is_tested_in_words_and_then_connected(ringfence: Ringfence) -> None:
    said = ringfence("account", "add", *ringfence.account_options()).stdout
    assert "ok      The permission Machine.Isolate is granted: isolate machines and release them.\n" in said
    assert "ok      Reading alerts works.\n" in said
    assert said.endswith("The account contoso is connected.\n")
    assert ringfence.json("account", "list")["items"][0]["state"] == "healthy"


def test_as_json_the_account_is_there_and_its_secret_is_not(ringfence: Ringfence) -> None:
    options = [*ringfence.account_options(), "--expires-on", "2027-01-31"]
    document = ringfence.json("account", "add", *options)
    assert document["account"]["name"] == "contoso"
    assert document["account"]["secret_expires_on"] == "2027-01-31"
    assert {check["ok"] for check in document["checks"]} == {True}
    listed = ringfence.json("account", "list")
    assert listed == {"items": [document["account"]], "next": None}
    assert "secret_sealed" not in document["account"]
    assert ringfence.secret
    assert ringfence.secret not in str(listed)


def test_the_secret_comes_from_a_file_stdin_or_the_environment_before_anybody_is_asked(
    ringfence: Ringfence, tmp_path: Path
) -> None:
    options = ringfence.account_options("a")
    secret, ringfence.secret = ringfence.secret, None
    assert secret is not None
    file = tmp_path / "secret"
    file.write_text(f"{secret}\n")
    ringfence("account", "add", *options, "--secret-file", str(file))
    ringfence("account", "add", *ringfence.account_options("b"), "--secret-file", "-", stdin=f"{secret}\n")
    options = ringfence.account_options("c")
    ringfence.secret = None
    ringfence("account", "add", *options, env={"RINGFENCE_ACCOUNT_SECRET": secret})
    assert [each["state"] for each in ringfence.json("account", "list")["items"]] == ["healthy"] * 3


def test_without_a_secret_and_without_anybody_to_ask_it_says_how_to_give_one(ringfence: Ringfence) -> None:
    options = ringfence.account_options()
    ringfence.secret = None
    error = ringfence.error("account", "add", *options)
    assert error["code"] == "invalid"
    assert "--secret-file" in error["advice"]
    assert "RINGFENCE_ACCOUNT_SECRET" in error["advice"]


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_secret_file_that_cannot_be_read_is_named(
    ringfence: Ringfence, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "secret"
    if content is not None:
        file.write_bytes(content)
    error = ringfence.error("account", "add", *ringfence.account_options(), "--secret-file", str(file))
    assert str(file) in error["message"]


def test_a_wrong_secret_is_said_and_nothing_is_saved(ringfence: Ringfence) -> None:
    options = ringfence.account_options()
    ringfence.secret = "not-it"
    said = ringfence("account", "add", *options, status=1)
    assert "FAILED  Signing in failed: the tenant does not accept this client secret (AADSTS7000215)." in said.stdout
    assert "--save-anyway" in said.stderr
    assert ringfence.error("account", "add", *options)["code"] == "account_not_proven"
    assert ringfence.json("account", "list")["items"] == []


def test_what_does_not_work_yet_is_saved_as_pending_where_that_is_wanted(ringfence: Ringfence) -> None:
    options = ringfence.account_options()
    ringfence.secret = "not-it"
    assert "saved as pending" in ringfence("account", "add", *options, "--save-anyway").stdout
    listed = ringfence("account", "list").stdout
    assert "pending" in listed
    assert "the tenant does not accept this client secret" in listed


def test_a_cloud_that_does_not_exist_lists_those_that_do(ringfence: Ringfence) -> None:
    options = ringfence.account_options()[:6]
    error = ringfence.error("account", "add", *options, "--cloud", "china")
    assert "commercial, gcc, gcc_high, dod" in error["advice"]


def test_only_one_of_the_two_addresses_is_refused(ringfence: Ringfence) -> None:
    options = ringfence.account_options()[:6]
    assert "both" in ringfence.error("account", "add", *options, "--login-url", ORIGIN)["advice"]


def test_a_test_of_the_only_account_needs_no_name(connected: Ringfence) -> None:
    assert connected("account", "test").stdout.endswith("The account contoso works.\n")
    document = connected.json("account", "test", "contoso")
    assert (document["account"], document["ok"]) == ("contoso", True)
    assert "Machine.Isolate" in document["roles"]


def test_a_missing_permission_is_named_with_status_1(connected: Ringfence) -> None:
    next(iter(connected.tenant.apps.values())).roles.remove("Machine.Isolate")
    said = connected("account", "test", status=1).stdout
    assert "FAILED  The permission Machine.Isolate is missing: it is needed to isolate machines" in said
    assert "give admin consent" in said
    assert said.endswith("The account contoso does not work.\n")
    assert connected.json("account", "list")["items"][0]["state"] == "failed"


def test_an_account_that_does_not_exist_lists_those_that_do(connected: Ringfence) -> None:
    error = connected.error("account", "test", "fabrikam")
    assert (error["code"], error["advice"]) == ("not_found", "Connected are: contoso.")


def test_without_accounts_the_list_says_how_to_connect_one(ringfence: Ringfence) -> None:
    said = ringfence("account", "list")
    assert said.stdout == ""
    assert "ringfence account add" in said.stderr


def test_hosts_are_contained_through_one_account_until_it_is_replaced(ringfence: Ringfence) -> None:
    assert "No account is connected" in ringfence("account", "sensor").stderr
    for name in ("contoso", "second"):
        ringfence("account", "add", *ringfence.account_options(name))
    assert "through the account contoso" in ringfence("account", "sensor").stdout
    refused = ringfence.error("account", "sensor", "second")
    assert refused["code"] == "second_sensor"
    assert "'contoso'" in refused["message"]
    done = ringfence.json("account", "sensor", "second", "--replace")
    assert (done["sensor"]["name"], done["replaced"]) == ("second", True)
    assert [each["sensor"] for each in ringfence.json("account", "list")["items"]] == [False, True]
    lines = ringfence("account", "list").stdout.splitlines()
    assert "contains" in lines[0]
    assert "yes" in lines[2]
