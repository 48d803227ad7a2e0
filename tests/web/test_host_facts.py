from datetime import UTC, datetime

from ringfence.web.host_facts import Fact, told, words


def test_facts_are_named_in_words_and_moments_lengths_and_ids_are_known_as_such() -> None:
    facts = {
        "machine_id": "a" * 40,
        "os_platform": "Windows11",
        "tags": ["Blue", "Green"],
        "last_seen": "2026-01-31T12:00:00.000Z",
        "unseen_seconds": 1426.3,
        "fleet": None,
        "excluded": False,
        "handled": "",
        "not_of_ours": 3,
        "undo": "left out",
    }
    assert told(facts, ("undo",)) == (
        Fact("Machine id", "a" * 40, code=True),
        Fact("Operating system", "Windows11"),
        Fact("Tags", "Blue, Green"),
        Fact("Last seen", "2026-01-31T12:00:00.000Z", moment=datetime(2026, 1, 31, 12, tzinfo=UTC)),
        Fact("Silent for", "23 min 46 s"),
        Fact("Onboarded hosts", ""),
        Fact("Excluded", "no"),
        Fact("Dealt with by Defender", "no"),
        Fact("Not of ours", "3"),
    )


def test_what_is_no_moment_is_shown_as_it_is() -> None:
    for odd in ("soon", "2026-01-31", 7):
        assert told({"last_seen": odd}) == (Fact("Last seen", str(odd)),)
    assert told({"unseen_seconds": "long"}) == (Fact("Silent for", "long"),)


def test_values_are_said_in_words() -> None:
    said: dict[str, object] = {
        "not known": None,
        "yes": True,
        "no": False,
        "none": [],
        "a: 1, 2": {"a": [1, 2]},
        "0.5": 0.5,
    }
    assert [words(value) for value in said.values()] == list(said)
