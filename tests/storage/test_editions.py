from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from ringfence.errors import Outdated
from ringfence.storage.editions import NONE, demand, edition


@dataclass(frozen=True, slots=True)
class _Team:
    name: str
    people: tuple[str, ...]
    at: datetime


def test_an_edition_changes_with_all_that_is_said_and_with_nothing_else() -> None:
    team = _Team("tier-2", ("ines",), datetime(2026, 3, 2, tzinfo=UTC))
    assert edition(team) == edition(_Team("tier-2", ("ines",), datetime(2026, 3, 2, tzinfo=UTC)))
    said = [
        edition(),
        edition(team),
        edition(team, None),
        edition(_Team("tier-2", ("ines", "olaf"), team.at)),
        edition(_Team("tier-2", ("ines",), datetime(2026, 3, 3, tzinfo=UTC))),
    ]
    assert len({*said, NONE}) == 6


def test_what_was_seen_is_what_is_there_or_it_says_what_became_of_it() -> None:
    demand("a", "a")
    demand(NONE, NONE)
    demand(None, "a")
    for seen, current, said in (
        ("a", "b", "changed it"),
        ("a", NONE, "removed it"),
        (NONE, "a", "is one of this name"),
    ):
        with pytest.raises(Outdated, match=said):
            demand(seen, current)
