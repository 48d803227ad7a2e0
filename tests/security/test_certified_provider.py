"""OpenID Connect against the certified provider `oidc-provider`, where Node is present."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
import pytest

from ringfence import clock
from ringfence.security.egress import networks
from ringfence.security.oidc import Client, ProviderFailed, RelyingParty

_BACK = "https://ringfence.contoso.com/sign-in/provider/contoso/callback"
_HERE = Path(__file__).parents[1]
_MODULES = Path(os.environ.get("RINGFENCE_TEST_NODE") or _HERE.parent / ".venv" / "node")


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    node = shutil.which("node")
    if node is None or not (_MODULES / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("Node with oidc-provider is not here: `make .venv/node` brings it, where npm is installed.")
    command = [node, str(_HERE / "provider" / "server.mjs"), str(_MODULES), _BACK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def _go_there(browser: httpx.Client, address: str, person: str) -> dict[str, str]:
    """Do in the provider's pages what a person does, until it leads back; returns what the address says then."""
    for _ in range(20):
        answer = browser.get(address)
        if answer.status_code == 200:
            prompt = "login" if 'value="login"' in answer.text else "consent"
            answer = browser.post(address, data={"prompt": prompt, "login": person, "password": "any"})
        address = urljoin(address, answer.headers["location"])
        if address.startswith(_BACK):
            return dict(parse_qsl(urlsplit(address).query))
    raise AssertionError("The provider never led back.")


async def test_the_certified_provider_signs_somebody_in(issuer: str) -> None:
    us = Client(issuer, "ringfence", "a secret of the tests +/&", "openid profile", _BACK)
    party = RelyingParty(networks("127.0.0.1"))
    with httpx.Client(trust_env=False) as browser:
        begun = await party.begin(us)
        back = _go_there(browser, begun.address, "megan")
        claims = await party.finish(us, begun.facts, back)
        assert (claims["iss"], claims["sub"], claims["preferred_username"]) == (issuer, "megan", "megan@contoso.com")
        assert claims["groups"] == ["soc"]
        with pytest.raises(ProviderFailed, match="invalid_grant"):
            await party.finish(us, begun.facts, back)

        again = await party.begin(us, prove_again=True)
        proven = await party.finish(us, again.facts, _go_there(browser, again.address, "megan"))
        assert proven["auth_time"] >= clock.timestamp() - 60

    wrong = Client(issuer, "ringfence", "another secret", "openid profile", _BACK)
    with httpx.Client(trust_env=False) as browser:
        begun = await party.begin(wrong)
        with pytest.raises(ProviderFailed, match="does not accept our client"):
            await party.finish(wrong, begun.facts, _go_there(browser, begun.address, "megan"))
    out = await party.sign_out_address(us, "https://ringfence.contoso.com/sign-in")
    assert out is not None
    assert out.startswith(f"{issuer}/session/end?client_id=ringfence")
