import json

from cli_world import Ringfence

_SET = ("identity-provider", "set", "contoso", "--issuer", "https://login.contoso.com", "--client-id", "ringfence")


def test_a_provider_is_set_listed_tested_and_removed(ringfence: Ringfence) -> None:
    ringfence.secret = "a client secret"
    done = ringfence(
        *_SET, "--group", "soc=responder", "--group", "CN=x,O=y=default/analyst", "--domain", "Contoso.com"
    )
    assert "/sign-in/provider/contoso/callback" in done.stderr
    (found,) = ringfence.json("identity-provider", "list")["items"]
    assert [(each["group"], each["role"]) for each in found["mapping"]] == [
        ("soc", "responder"),
        ("CN=x,O=y", "analyst"),
    ]
    assert (found["domains"], found["has_secret"]) == (["contoso.com"], True)
    assert "a client secret" not in json.dumps(found)
    kept = ringfence.json(*_SET, "--keep-secret", "--default-role", "read_only")["provider"]
    assert (kept["has_secret"], kept["default_role"], kept["mapping"]) == (True, "read_only", [])
    for wrong in ("soc", "=responder", "soc=", "soc=captain"):
        assert ringfence.error(*_SET, "--public", "--group", wrong)["code"] == "invalid"
    ringfence(*_SET[:3], "--issuer", "http://127.0.0.1:9", "--client-id", "x", "--public")
    refused = ringfence.error("identity-provider", "test", "contoso")
    assert refused["code"] == "provider_failed"
    assert "RINGFENCE_IDENTITY_PRIVATE" in refused["advice"]
    off = ringfence.json("identity-provider", "disable", "contoso")["provider"]
    assert (off["enabled"], "RINGFENCE_IDENTITY_PRIVATE" in off["error"]) == (False, True)
    assert "switched on" in ringfence("identity-provider", "enable", "contoso").stdout
    assert "is removed" in ringfence("identity-provider", "remove", "contoso").stdout
