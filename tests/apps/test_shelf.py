import re

from ringfence.actions.catalogue import Broken, Catalogue, Package, discover
from ringfence.apps.model import Category
from ringfence.apps.shelf import US, of_source, shelf
from ringfence.services.service import SOURCES


def test_every_app_of_ours_says_what_each_of_its_versions_brought() -> None:
    for app in shelf(discover()):
        assert app.ours
        assert app.publisher == US
        assert app.releases[0].version == app.version, app.id
        versions = [tuple(map(int, each.version.split("."))) for each in app.releases]
        assert versions == sorted(set(versions), reverse=True), app.id
        for release in app.releases:
            assert re.fullmatch(r"\d{4}-\d\d-\d\d", release.date), app.id
            assert re.fullmatch(r"[A-Z].{20,}\.", release.notes), app.id
        assert app.actions or app.triggers, app.id


def test_each_source_of_services_is_an_app() -> None:
    assert [of_source(source).category for source in SOURCES] == [Category.TRIGGER_SERVICE] * len(SOURCES)


def test_a_broken_package_stands_last_with_its_reason() -> None:
    broken = Broken("aardvark", Package("aardvark.main", "aardvark", "0.1", "Fabrikam"), "It cannot be loaded.")
    last = shelf(Catalogue([], [broken]))[-1]
    assert (last.title, last.problem, last.package, last.publisher) == (
        "aardvark",
        "It cannot be loaded.",
        "aardvark",
        "Fabrikam",
    )
    assert not last.ours
