"""Starters as people take them: a list that explains itself, and a text with their own names in it."""

import pytest

from hostile import HOSTILE
from ringfence.errors import Invalid, NotFound
from ringfence.playbooks.document import read
from ringfence.playbooks.model import DefenderAlertTrigger
from ringfence.playbooks.starter import Starter, find, made_from, starters


def test_every_starter_says_what_it_is_for_and_what_it_does() -> None:
    for name, starter in starters().items():
        assert name == starter.name
        assert starter.title
        assert starter.description
        assert starter.about
        assert starter.actions
    assert len({starter.title for starter in starters().values()}) == len(starters())


def test_a_starter_that_does_not_exist_is_answered_with_one_like_it() -> None:
    with pytest.raises(NotFound) as caught:
        find("enrich-and-coment")
    assert caught.value.advice == "Did you mean enrich-and-comment?"


def test_names_are_put_where_they_belong_and_comments_are_kept() -> None:
    starter = find("enrich-and-comment")
    text = made_from(starter, name="Ours", account="fabrikam")
    playbook = read(text).playbook
    assert playbook is not None
    assert isinstance(playbook.trigger, DefenderAlertTrigger)
    assert (playbook.name, playbook.trigger.account) == ("Ours", "fabrikam")
    assert text.startswith("# ")
    again = read(made_from(starter, service="Contoso night shift")).playbook
    assert again is not None
    assert isinstance(again.trigger, DefenderAlertTrigger)
    assert (again.trigger.account, again.trigger.service) == (None, "Contoso night shift")


@pytest.mark.parametrize("name", [text for text in HOSTILE if "\x00" not in text], ids=lambda _: "")
def test_no_name_becomes_anything_but_a_name(name: str) -> None:
    playbook = read(made_from(find("enrich-and-comment"), name=name, account=name)).playbook
    assert playbook is not None
    assert isinstance(playbook.trigger, DefenderAlertTrigger)
    assert (playbook.name, playbook.trigger.account) == (name, name)


@pytest.mark.parametrize("given", [{"channel": "soc"}, {"account": "contoso", "service": "contoso"}], ids=str)
def test_a_name_without_a_place_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(Invalid):
        made_from(find("enrich-and-comment"), **given)


def test_the_channel_that_a_starter_tells_is_named_in_it() -> None:
    starter = find("nightly-orphan-report")
    assert starter.channels == ("soc",)
    playbook = read(made_from(starter, channel="night shift")).playbook
    assert playbook is not None
    assert playbook.steps["tell"].with_["to"] == "night shift"


def test_a_starter_as_json_has_everything_but_its_text() -> None:
    starter: Starter = find("alert-to-jmespath")
    assert starter.to_json() | {"source": starter.source} == {
        field: list(value) if isinstance(value := getattr(starter, field), tuple) else value
        for field in Starter.__slots__
    }
