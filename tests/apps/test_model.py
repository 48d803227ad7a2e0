from dataclasses import replace
from datetime import UTC, datetime

from ringfence.actions import Release
from ringfence.apps.model import App, Category, Installation, Placed, place

RELEASES = tuple(Release(version, "2026-03-01", "…") for version in ("2.0.0", "1.1.0", "1.0.0"))
OURS = App("chat", "Chat", "2.0.0", Category.PLAYBOOK, "Chat", "Contoso", "", RELEASES)
THEIRS = replace(OURS, id="foreign", ours=False)


def _row(version: str = "1.0.0", *, installed: bool = True, everybody: bool = True, to: str = "") -> Installation:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Installation("chat", version, installed, everybody, (to,) if to else (), moment, "megan")


def test_an_app_as_it_came_is_for_everybody_if_it_is_ours_and_for_nobody_if_not() -> None:
    assert [each.allows("contoso") for each in place([OURS, THEIRS], {})] == [True, False]
    broken = Placed(replace(THEIRS, problem="It cannot be loaded."), None)
    assert not broken.installed


def test_an_app_is_for_those_that_were_named() -> None:
    for_one = Placed(THEIRS, _row(everybody=False, to="contoso"))
    assert (for_one.allows("contoso"), for_one.allows("fabrikam"), for_one.everybody) == (True, False, False)
    assert for_one.organizations == ("contoso",)
    assert Placed(THEIRS, _row()).allows("fabrikam")
    assert not Placed(OURS, _row(installed=False)).allows("contoso")


def test_the_news_of_an_upgrade_are_the_releases_since_it_was_looked_at() -> None:
    assert [each.version for each in Placed(OURS, _row("1.0.0")).news] == ["2.0.0", "1.1.0"]
    assert Placed(OURS, _row("1.0.0")).upgraded
    assert (Placed(OURS, _row("2.0.0")).news, Placed(OURS, _row("2.0.0")).upgraded) == ((), False)
    assert len(Placed(OURS, _row("0.1.0")).news) == 3
    assert not Placed(OURS, None).upgraded


def test_categories_have_words_for_people() -> None:
    assert [each.label for each in Category] == ["Playbook app", "Trigger service"]
