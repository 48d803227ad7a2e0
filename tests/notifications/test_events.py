from datetime import timedelta

from ringfence.notifications.events import KINDS, Event, next_reminder


def test_every_event_says_in_a_sentence_what_it_means() -> None:
    assert set(KINDS) == set(Event)
    assert all(kind.about.endswith(".") for kind in KINDS.values())


def test_reminders_come_ever_more_rarely() -> None:
    hours = [next_reminder(told) / timedelta(hours=1) for told in range(5)]
    assert hours == [1, 4, 24, 24, 24]
