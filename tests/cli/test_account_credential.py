from pathlib import Path

from cli_world import Ringfence


def test_a_second_secret_is_added_proven_switched_to_and_the_old_one_removed(
    ringfence: Ringfence, tmp_path: Path
) -> None:
    ringfence("account", "add", *ringfence.account_options())
    assert "one credential only" in ringfence("account", "credential", "show").stderr
    ringfence("account", "credential", "add", "--expires-on", "2099-01-31")
    added = ringfence.json("account", "credential", "show")["second_credential"]
    assert added["stage"] == "new"
    assert "secret_sealed" not in added
    assert ringfence("account", "credential", "prove").stdout.endswith("The second credential of contoso works.\n")
    switched = ringfence.json("account", "credential", "switch")
    assert switched["account"]["secret_expires_on"] == "2099-01-31"
    assert switched["second_credential"]["stage"] == "old"
    assert "lies a secret: old" in ringfence("account", "credential", "show").stdout
    ringfence("account", "credential", "remove")
    assert ringfence.json("account", "credential", "show")["second_credential"] is None


def test_a_certificate_is_made_and_its_public_part_printed_and_nothing_is_switched_that_does_not_work(
    ringfence: Ringfence,
) -> None:
    ringfence("account", "add", *ringfence.account_options())
    public = ringfence("account", "credential", "add", "--generate").stdout
    assert public.startswith("-----BEGIN CERTIFICATE-----")
    assert ringfence("account", "credential", "certificate").stdout == public
    assert ringfence.json("account", "credential", "certificate")["public_part"] == public
    assert ringfence.error("account", "credential", "switch")["code"] == "account_not_proven"
    assert ringfence.json("account", "show")["account"]["certificate_thumbprint"] is None
    both = ringfence.error("account", "credential", "add", "--generate", "--certificate", "x.pem")
    assert "Leave one out" in both["advice"]
