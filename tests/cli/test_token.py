from cli_world import Ringfence
from ringfence.security import token_text


def test_a_token_is_made_listed_and_revoked(ringfence: Ringfence) -> None:
    ringfence("sign-in-link", "--user", "adele")
    done = ringfence("token", "create", "bridge", "--scope", "alert:read", "--user", "adele", "--days", "7")
    assert token_text.plausible(done.stdout.strip())
    made = ringfence.json(
        "token", "create", "collector", "--scope", "alert:read", "--scope", "run:read", "--role", "read_only"
    )
    assert made["token"]["scopes"] == ["alert:read", "run:read"]
    assert made["secret"] not in str(made["token"])
    assert ringfence.error("token", "create", "x", "--scope", "alert:read")["code"] == "invalid"
    assert [each["name"] for each in ringfence.json("token", "list")["items"]] == ["collector", "bridge"]
    assert "adele" in ringfence("token", "list").stdout
    assert ringfence.json("token", "revoke", made["token"]["id"])["token"]["state"] == "revoked"
    assert [each["name"] for each in ringfence.json("token", "list", "--user", "adele")["items"]] == ["bridge"]


def test_no_token_is_made_that_its_person_could_never_use(ringfence: Ringfence) -> None:
    ringfence("user", "invite", "ines", "--role", "analyst")
    refused = ringfence.error(
        "token", "create", "x", "--user", "ines", "--scope", "alert:read", "--scope", "account:manage"
    )
    assert refused["message"] == "ines is Analyst, and may not do what the token would: account:manage."
    assert ringfence.json("token", "list")["items"] == []
