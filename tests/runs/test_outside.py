from pathlib import Path

from notification_world import ADDRESS, VAULT
from ringfence.app import App
from ringfence.notifications.delivery import Sender
from ringfence.outbound.calling import network
from ringfence.runs.outside import Outside
from ringfence.settings import Settings


def test_the_network_is_used_and_any_host_may_be_allowed_unless_the_operator_says_otherwise() -> None:
    outside = Outside(Sender(VAULT, ADDRESS))
    assert (outside.hosts, outside.transport) == (None, network)


def test_an_installation_calls_the_hosts_that_its_operator_names_at_most(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path, egress_hosts="*.contoso.com, API.fabrikam.com", egress_private="10.0.0.0/8")
    app = App.open(settings)
    try:
        assert app.outside.hosts == frozenset({"*.contoso.com", "api.fabrikam.com"})
        assert [str(each) for each in app.outside.sender.allowed] == ["10.0.0.0/8"]
        assert app.outside is app.outside
    finally:
        app.close()
