from pathlib import Path

from ringfence.app import App
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web.services import Compare, Contain, Release, Services


def test_an_installation_does_what_the_pages_ask_for(embedded: Database) -> None:
    app = App(Settings(data=Path("unused")), embedded)
    contain: Contain = app.contain
    release: Release = app.release
    compare: Compare = app.compare
    first = Services(embedded, app.settings, contain, release, app.receiver, compare)
    second = Services(embedded, app.settings, contain, release, app.receiver, compare)
    first.stopping.set()
    assert not second.stopping.is_set()
