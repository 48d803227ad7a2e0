import socket
from pathlib import Path

import httpx
import pytest

from contoso import Contoso
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web import create_web
from ringfence.web.known_hosts import is_known, names
from webfixtures import open_client
from webserver import Asked, make_services

OWN = names("https://soc.contoso.com:8443/x", "0.0.0.0", "ringfence.fabrikam.com, *.apps.contoso.com")


@pytest.mark.parametrize(
    "host",
    [
        "soc.contoso.com",
        "SOC.contoso.com.:443",
        "ringfence.fabrikam.com:80",
        "a.apps.contoso.com",
        "a.b.apps.contoso.com",
        "localhost:8080",
        "127.0.0.1:8080",
        "10.1.2.3",
        "[::1]:8080",
        socket.gethostname(),
    ],
)
def test_our_names_and_every_address_are_known(host: str) -> None:
    assert is_known(host, OWN)


@pytest.mark.parametrize(
    "host",
    [
        "",
        "rebound.example",
        "apps.contoso.com",
        "soc.contoso.com.rebound.example",
        "xsoc.contoso.com",
        "[::1",
        "a@b:c",
        ".",
    ],
)
def test_a_foreign_name_is_not(host: str) -> None:
    assert not is_known(host, OWN)


async def test_a_request_for_a_foreign_name_is_refused_with_what_to_set(embedded: Database, contoso: Contoso) -> None:
    settings = Settings(data=Path("unused"), public_url="http://ringfence.test")
    app = create_web(make_services(embedded, Asked(), settings))
    async with open_client(app) as client:
        assert (await client.get("/sign-in")).status_code == 200
        foreign: httpx.Response = await client.get("http://rebound.example/sign-in")
        assert foreign.status_code == 421
        assert "RINGFENCE_ALLOWED_HOSTS" in foreign.text
        assert "rebound.example" in foreign.text
        assert (await client.get("http://rebound.example/api/v1/runs")).json()["code"] == "misdirected"
        assert (await client.get("http://pod-7.cluster.example/healthz")).status_code == 200
