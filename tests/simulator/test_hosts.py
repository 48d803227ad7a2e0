from urllib.parse import urlsplit

import pytest

from factbook import facts
from ringfence.simulator.hosts import DOMAINS, stands_in_for


@pytest.mark.parametrize(
    "host",
    [
        "login.microsoftonline.com",
        "LOGIN.MicrosoftOnline.us",
        "api.security.microsoft.com",
        "eu.api.security.microsoft.com",
        "api-eu.securitycenter.microsoft.com",
        "api.securitycenter.windows.com",
        "api-gcc.securitycenter.microsoft.us",
        "api-gov.security.microsoft.us",
        "dod-graph.microsoft.us",
        "graph.microsoft.com.",
    ],
)
def test_microsofts_hosts_are_known(host: str) -> None:
    assert stands_in_for(host)
    assert any(host.lower().rstrip(".").endswith(domain) for domain in DOMAINS)


@pytest.mark.parametrize(
    "host", ["", "contoso.com", "microsoft.com", "graph.microsoft.com.contoso.com", "xgraph.microsoft.com", "127.0.0.1"]
)
def test_other_hosts_are_not(host: str) -> None:
    assert not stands_in_for(host)


def test_every_host_of_the_clouds_with_an_api_is_known() -> None:
    for cloud in facts("clouds")["clouds"]:
        if not cloud["mde_host"]:
            continue
        hosts = [cloud[key] for key in ("authority", "mde_host", "xdr_host", "graph_host")]
        hosts += cloud.get("mde_host_aliases", []) + cloud.get("old_regional_hosts", [])
        hosts += [region["host"] for region in cloud.get("regional_hosts", [])]
        for address in hosts:
            assert stands_in_for(str(urlsplit(address.split(" ")[0]).hostname)), address
