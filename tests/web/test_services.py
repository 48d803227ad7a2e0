from pathlib import Path

from ringfence.app import App
from ringfence.deeds import Compare, Contain, Explain, Release
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web.services import Services


def test_an_installation_does_what_the_pages_ask_for(embedded: Database, tmp_path: Path) -> None:
    app = App(Settings(data=tmp_path), embedded)
    contain: Contain = app.contain
    release: Release = app.release
    compare: Compare = app.compare
    explain: Explain = app.explain
    given = (contain, release, app.receiver, compare, explain)
    first = Services(
        embedded,
        app.settings,
        *given,
        sender=app.sender,
        dry_run=app.dry_run,
        change_alert=app.change_alert,
        accounts=app.connecting,
        act=app.act,
        try_service=app.try_service,
    )
    second = Services(
        embedded,
        app.settings,
        *given,
        sender=app.sender,
        dry_run=app.dry_run,
        change_alert=app.change_alert,
        accounts=app.connecting,
        act=app.act,
        try_service=app.try_service,
    )
    first.stopping.set()
    assert not second.stopping.is_set()
