import pytest

from ringfence.defender import InvalidArgument
from ringfence.defender.clouds import CLOUDS, COMMERCIAL, DOD, GCC, GCC_HIGH, Cloud, get


def test_four_clouds_are_offered_and_china_is_not() -> None:
    assert list(CLOUDS) == ["commercial", "gcc", "gcc_high", "dod"]
    with pytest.raises(InvalidArgument, match="China"):
        get("china_21vianet")


def test_gcc_signs_in_at_the_commercial_authority_and_calls_a_government_host() -> None:
    assert GCC.authority == COMMERCIAL.authority
    assert GCC.mde_host == "https://api-gcc.securitycenter.microsoft.us"


def test_gcc_high_and_dod_differ_in_graph_only() -> None:
    assert (GCC_HIGH.mde_host, GCC_HIGH.authority) == (DOD.mde_host, DOD.authority)
    assert GCC_HIGH.graph_host != DOD.graph_host


@pytest.mark.parametrize("cloud", CLOUDS.values(), ids=CLOUDS.keys())
def test_every_address_is_https_and_every_scope_ends_in_default(cloud: Cloud) -> None:
    for url in (cloud.authority, cloud.xdr_host, cloud.graph_host, *cloud.mde_hosts):
        assert url.startswith("https://")
        assert not url.endswith("/")
    for scope in (cloud.mde_scope, cloud.xdr_scope, cloud.graph_scope):
        assert scope.endswith("/.default")


def test_the_commercial_audience_is_not_the_commercial_host() -> None:
    assert not COMMERCIAL.mde_scope.startswith(COMMERCIAL.mde_host)
    assert "https://api.securitycenter.microsoft.com" in COMMERCIAL.mde_hosts
    assert "https://eu.api.security.microsoft.com" in COMMERCIAL.mde_hosts


@pytest.mark.parametrize("base", ["http://127.0.0.1:8700", "http://localhost:8700/", "http://[::1]:8700"])
def test_a_simulator_on_this_computer_may_speak_plain_http(base: str) -> None:
    cloud = Cloud.simulator(base)
    assert cloud.is_local
    assert cloud.mde_host == base.rstrip("/")
    assert COMMERCIAL.mde_host in cloud.mde_hosts


@pytest.mark.parametrize("base", ["http://simulator:8700", "http://10.0.0.1", "http://127.0.0.1.contoso.com"])
def test_plain_http_to_another_computer_is_refused(base: str) -> None:
    with pytest.raises(InvalidArgument, match="Use https"):
        Cloud.simulator(base)


def test_a_simulator_elsewhere_is_refused_even_over_https() -> None:
    with pytest.raises(InvalidArgument, match="not on this computer"):
        Cloud.simulator("https://simulator.contoso.com")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "api.contoso.com",
        "ftp://api.contoso.com",
        "https://",
        "https://user:word@api.contoso.com",
        "https://api.contoso.com?x=1",
        "https://api.contoso.com:port",
        "https://[::1",
    ],
)
def test_what_is_not_a_plain_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidArgument):
        Cloud.custom(login="https://login.contoso.com", api=url)


def test_custom_addresses_keep_the_commercial_audiences() -> None:
    cloud = Cloud.custom(login="https://login.contoso.com/", api="https://API.contoso.com/mde/")
    assert cloud.mde_host == "https://api.contoso.com/mde"
    assert cloud.graph_host == cloud.mde_host
    assert cloud.mde_scope == COMMERCIAL.mde_scope
    assert not cloud.is_local


def test_a_login_address_has_no_path_because_the_tenant_follows_it() -> None:
    with pytest.raises(InvalidArgument, match="no path"):
        Cloud.custom(login="https://login.contoso.com/tenant", api="https://api.contoso.com")


def test_a_region_changes_the_api_host_and_nothing_else() -> None:
    near = COMMERCIAL.in_region(" eu ")
    assert (near.mde_host, near.mde_scope) == ("https://eu.api.security.microsoft.com", COMMERCIAL.mde_scope)
    # A next link may still name the host that all regions share.
    assert near.mde_hosts == COMMERCIAL.mde_hosts
    for cloud, advice in ((COMMERCIAL, "Australia"), (GCC, "no regions")):
        with pytest.raises(InvalidArgument) as caught:
            cloud.in_region("Atlantis")
        assert advice in caught.value.advice


def test_a_private_cloud_may_have_an_audience_of_its_own() -> None:
    def made(audience: str) -> Cloud:
        return Cloud.custom(login="https://login.contoso.com", api="https://api.contoso.com", audience=audience)

    assert made("https://api.contoso.com/").mde_scope == "https://api.contoso.com/.default"
    assert made("api://defender/.default").mde_scope == "api://defender/.default"
    for wrong in ("http://api.contoso.com", "contoso", "https://a b", "https://u@host", "https://host?x"):
        with pytest.raises(InvalidArgument):
            made(wrong)
