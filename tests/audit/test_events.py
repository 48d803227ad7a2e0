import re
from pathlib import Path

import pytest

import ringfence
from ringfence.audit.events import SENTENCES, Event


@pytest.mark.parametrize("event", list(Event))
def test_every_event_is_a_noun_with_a_verb_and_has_a_sentence_of_its_own(event: Event) -> None:
    assert re.fullmatch(r"[a-z_]+:[a-z_]+", event.value)
    assert event.value.startswith(f"{event.subject}:")
    assert event.sentence.endswith(".")
    assert [each for each in Event if SENTENCES[each] == event.sentence] == [event]


def test_every_event_is_written_somewhere() -> None:
    folder = Path(ringfence.__file__).parent
    written = {
        name
        for path in folder.rglob("*.py")
        if path != folder / "audit" / "events.py" and "notifications/events" not in path.as_posix()
        for name in re.findall(r"\b(?:Event|Audited)\.([A-Z_]+)\b", path.read_text(encoding="utf-8"))
    }
    assert [each.name for each in Event if each.name not in written] == []
