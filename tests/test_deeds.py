import inspect
from pathlib import Path

from ringfence import deeds
from ringfence.app import App
from ringfence.settings import Settings
from ringfence.storage import Database

_OF_THE_APP = {
    "Contain": "contain", "Release": "release", "Explain": "explain", "Compare": "compare", "Try": "dry_run",
    "TryService": "try_service", "ChangeAlert": "change_alert", "Act": "act",
}  # fmt: skip


def test_an_installation_does_everything_that_pages_and_api_ask_for_by_the_same_names(
    embedded: Database, tmp_path: Path
) -> None:
    app = App(Settings(data=tmp_path), embedded)
    declared = {
        name for name, each in vars(deeds).items() if getattr(each, "_is_protocol", False) and name != "Protocol"
    }
    assert declared == set(_OF_THE_APP)
    for name, method in _OF_THE_APP.items():
        wanted = list(inspect.signature(getattr(deeds, name).__call__).parameters)[1:]
        assert list(inspect.signature(getattr(app, method)).parameters) == wanted, name
