import re

import pytest

from ringfence.accounts.model import AccountState
from ringfence.containment.model import State
from ringfence.playbooks.library import PlaybookState
from ringfence.web import words
from ringfence.web.static_files import STATIC


@pytest.mark.parametrize("kind", words.KINDS)
def test_no_two_values_share_word_or_tone_with_icon(kind: str) -> None:
    signs = [each for value, each in words.KINDS[kind].items() if (kind, value) not in {("level", "warning")}]
    assert len({each.word for each in signs}) == len(signs)
    assert len({(each.tone, each.icon) for each in signs if kind != "level"}) == (len(signs) if kind != "level" else 0)


def test_every_state_there_is_has_a_word_of_its_own() -> None:
    assert set(words.CONTAINMENTS) == set(State)
    assert set(words.ACCOUNTS) == set(AccountState)
    assert set(PlaybookState) <= set(words.PLAYBOOKS)


def test_submitted_pending_and_contained_are_told_apart_by_word_and_tone() -> None:
    three = [words.CONTAINMENTS[state] for state in ("submitting", "pending", "contained")]
    assert len({each.word for each in three}) == len({each.tone for each in three}) == 3


def test_every_tone_and_icon_exists() -> None:
    css = (STATIC / "css" / "components.css").read_text()
    sprite = (STATIC / "vendor" / "icons.svg").read_text()
    for kind in words.KINDS.values():
        for each in kind.values():
            assert f".tone-{each.tone} {{" in css or re.search(rf"\.tone-{each.tone}\b", css)
            assert f'id="{each.icon}"' in sprite
    for icon in words.EVIDENCE_ICONS.values():
        assert f'id="{icon}"' in sprite


def test_a_word_that_is_not_ours_is_shown_as_it_came() -> None:
    assert words.sign("severity", "Apocalyptic").word == "Apocalyptic"
    assert words.sign("severity", "").word == "Unknown"
