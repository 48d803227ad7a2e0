"""The package of somebody else in `packages/`, found as pip would have installed it."""

from pathlib import Path

import pytest

from ringfence.actions import Connector
from ringfence.actions.catalogue import Catalogue, Package, discover
from ringfence.actions.polling import Polling, ServiceType

FOLDER = Path(__file__).parent / "packages"
SOURCE = "contoso_tickets.opened"


@pytest.fixture
def tickets(monkeypatch: pytest.MonkeyPatch) -> Catalogue:
    """Install the package for one test, and give the catalogue with it."""
    monkeypatch.syspath_prepend(FOLDER)
    return discover()


def brought(function: Polling, *, timeout: float = 60.0) -> Catalogue:
    """Give a catalogue with one trigger service, `fabrikam.feed`."""
    connector = Connector("fabrikam", title="F", version="1", description="F.", category="Test")
    connector.trigger_service(name="feed", title="Feed of Fabrikam", timeout=timeout)(function)
    return Catalogue([(Package("fabrikam", "fabrikam"), connector)])


def declared(function: Polling) -> ServiceType:
    """Give the type of trigger service that a function declares."""
    return brought(function).services["fabrikam.feed"]
