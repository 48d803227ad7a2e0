import json

import pytest

from cli_world import Ringfence
from ringfence.security.masters import KEY_FILE


@pytest.fixture
def keeping(ringfence: Ringfence) -> Ringfence:
    """The command line with one secret in its database."""
    ringfence.secret = "an-api-key"
    ringfence("http-account", "add", "rep", "https://api.contoso.com/v1", "--kind", "bearer")
    return ringfence


def test_a_master_key_is_rotated_and_the_old_one_retired(keeping: Ringfence) -> None:
    before = keeping.json("keys", "show")
    [old] = before["masters"]
    assert (before["to_wrap"], before["to_seal"], len(before["keys"])) == (0, 0, 1)
    shown = keeping("keys", "show").stdout
    assert str(keeping.data / KEY_FILE) in shown
    assert (keeping.data / KEY_FILE).read_text().strip() not in shown
    said = keeping("keys", "rotate", "master")
    assert "1 of 1" in said.stderr
    assert f"ringfence keys retire {old['id']}" in said.stderr
    assert "retire it" in keeping("keys", "show").stdout
    assert keeping("keys", "retire", old["id"]).stdout == f"The key {old['id']} is retired.\n"
    assert [each["id"] for each in keeping.json("keys", "show")["masters"]] != [old["id"]]
    assert "all 1 secrets open" in keeping("keys", "check").stdout


def test_the_key_of_an_organization_is_rotated_and_the_old_one_retired(keeping: Ringfence) -> None:
    [old] = keeping.json("keys", "show")["keys"]
    assert keeping.error("keys", "retire", old["id"])["code"] == "conflict"
    after = keeping.json("keys", "rotate", "organization")
    assert {(each["id"] == old["id"], each["active"], each["secrets"]) for each in after["keys"]} == {
        (True, False, 0),
        (False, True, 1),
    }
    assert keeping.json("keys", "retire", old["id"]) == {"retired": old["id"], "remove_from_source": False}
    assert keeping.json("keys", "check") == {"sound": True, "secrets": 1, "unreadable": []}
    assert keeping.error("keys", "retire", old["id"])["code"] == "not_found"


def test_secrets_that_no_key_opens_are_named_and_the_status_says_so(keeping: Ringfence) -> None:
    path = keeping.data / KEY_FILE
    path.write_text(keeping("keys", "generate").stdout)
    said = keeping("keys", "check", status=1).stdout
    assert "1 of 1 secrets cannot be opened" in said
    assert "http_accounts.sealed" in said
    assert json.loads(keeping("keys", "check", "--json", status=1).stdout)["sound"] is False
    assert "missing" in keeping("keys", "show").stdout


def test_keys_are_shredded_only_after_two_questions_about_a_named_organization(keeping: Ringfence) -> None:
    assert "which organization" in keeping.error("keys", "shred")["message"]
    name = keeping.json("keys", "show")["keys"][0]["organization"]
    keeping.options = ("--organization", name)
    keeping.confirms = False
    assert keeping.error("keys", "shred")["message"] == "Nothing was deleted."
    assert len(keeping.asked) == 1
    keeping.confirms = None
    assert f"--confirm {name}" in keeping.error("keys", "shred", "--yes")["advice"]
    assert "is not the name" in keeping.error("keys", "shred", "--yes", "--confirm", "fabrikam")["message"]
    assert keeping.json("keys", "check")["sound"] is True
    keeping.asked.clear()
    keeping.confirms = True
    assert "and with them 1 secrets" in keeping("keys", "shred").stdout
    assert len(keeping.asked) == 2
    keeping("keys", "check", status=1)
    # Another secret makes another key.
    assert keeping.error("keys", "shred", "--yes", "--confirm", name)["code"] == "invalid"


def test_a_master_key_of_the_environment_is_rotated_by_giving_both(keeping: Ringfence) -> None:
    first = (keeping.data / KEY_FILE).read_text().strip()
    second = keeping.json("keys", "generate")["key"]
    (keeping.data / KEY_FILE).unlink()
    both = {"RINGFENCE_MASTER_KEY": f"{first},{second}"}
    shown = keeping.json("keys", "show", env=both)
    assert (shown["to_wrap"], shown["source"]) == (1, "the environment variable RINGFENCE_MASTER_KEY")
    keeping("keys", "rotate", "master", env=both)
    old = shown["masters"][0]["id"]
    assert "Take it out of the environment variable" in keeping("keys", "retire", old, env=both).stderr
    assert keeping.json("keys", "check", env={"RINGFENCE_MASTER_KEY": second})["sound"] is True
    assert first not in json.dumps(shown)
