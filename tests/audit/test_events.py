import re

import pytest

from ringfence.audit.events import SENTENCES, Event


@pytest.mark.parametrize("event", list(Event))
def test_every_event_is_a_noun_with_a_verb_and_has_a_sentence_of_its_own(event: Event) -> None:
    assert re.fullmatch(r"[a-z_]+:[a-z_]+", event.value)
    assert event.value.startswith(f"{event.subject}:")
    assert event.sentence.endswith(".")
    assert [each for each in Event if SENTENCES[each] == event.sentence] == [event]
