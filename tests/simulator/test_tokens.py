import jwt
import pytest

from ringfence.simulator import Simulator, tokens
from ringfence.simulator.tenant import App, Tenant
from ringfence.simulator.tokens import TokenError

RESOURCE = "https://api.securitycenter.microsoft.com"
NOON = 1_772_366_400.0


def test_a_token_carries_the_recorded_claims(simulator: Simulator, contoso: Tenant, registration: App) -> None:
    token = tokens.issue(simulator.key, contoso, registration, RESOURCE, NOON)
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token)
    assert header == {"alg": "RS256", "typ": "JWT", "kid": simulator.key.id, "x5t": simulator.key.id}
    assert claims["iss"] == claims["idp"] == f"https://sts.windows.net/{contoso.id}/"
    assert claims["oid"] == claims["sub"]
    assert (claims["appidacr"], claims["ver"], claims["exp"] - claims["iat"]) == ("1", "1.0", 3_900)
    assert "Machine.Isolate" in claims["roles"]


def test_each_api_gets_its_own_roles_and_none_means_no_claim(simulator: Simulator, contoso: Tenant) -> None:
    app = App("a", "id", ["Machine.Isolate", "Incident.Read.All", "SecurityAlert.Read.All"], [])
    assert tokens.roles_for(app, RESOURCE) == ["Machine.Isolate"]
    assert tokens.roles_for(app, "https://api.security.microsoft.com/") == ["Incident.Read.All"]
    assert tokens.roles_for(app, "https://graph.microsoft.com") == ["SecurityAlert.Read.All"]
    token = tokens.issue(simulator.key, contoso, App("a", "id", [], []), RESOURCE, NOON)
    assert "roles" not in jwt.decode(token, options={"verify_signature": False})


def test_a_token_is_good_for_its_api_and_its_time(simulator: Simulator, contoso: Tenant, registration: App) -> None:
    header = "Bearer " + tokens.issue(simulator.key, contoso, registration, RESOURCE, NOON)
    check = simulator.verifier.check
    assert check(header, (RESOURCE,), NOON)["tid"] == contoso.id
    assert check(header, (RESOURCE,), NOON + 3_599)
    with pytest.raises(TokenError, match="expired"):
        check(header, (RESOURCE,), NOON + 3_601)
    with pytest.raises(TokenError, match="another API"):
        check(header, ("https://graph.microsoft.com",), NOON)


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "Bearer a.b.c", "Bearer \udcff"])
def test_what_is_no_token_is_refused(simulator: Simulator, header: str | None) -> None:
    with pytest.raises(TokenError):
        simulator.verifier.check(header, (RESOURCE,), NOON)


def test_a_token_signed_by_somebody_else_is_refused(simulator: Simulator) -> None:
    forged = jwt.encode({"aud": RESOURCE, "exp": 9e9, "nbf": 0, "tid": "t", "appid": "a"}, "k" * 32, algorithm="HS256")
    with pytest.raises(TokenError, match="broken"):
        simulator.verifier.check(f"Bearer {forged}", (RESOURCE,), NOON)


def test_a_key_comes_back_from_its_pem(simulator: Simulator) -> None:
    again = tokens.load_key(simulator.key.pem())
    assert again.id == simulator.key.id
    assert again.jwk() == simulator.key.jwk()


def test_a_public_key_that_is_not_rsa_is_refused() -> None:
    with pytest.raises(ValueError, match=r".+"):
        tokens.public_key("-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----")
