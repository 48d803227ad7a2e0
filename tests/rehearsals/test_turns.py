from datetime import UTC, datetime, timedelta

from ringfence.playbooks.plan import PlanLimits
from ringfence.rehearsals.turns import Turns

BEGIN = datetime(2026, 3, 1, 8, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def ask(turns: Turns, *minutes: float, machine: str | None = None) -> list[float | None]:
    """Ask for runs at minutes and return at which minutes each would have begun."""
    found = [turns.take(BEGIN + minute * MINUTE, machine) for minute in minutes]
    return [None if each is None else (each - BEGIN) / MINUTE for each in found]


def test_no_more_runs_than_may_be_are_under_way_and_those_held_back_begin_one_after_the_other() -> None:
    turns = Turns(PlanLimits(concurrent=2), 10 * MINUTE)
    assert ask(turns, 0, 1, 2, 3, 4, 30) == [0, 1, 10, 11, 20, 30]
    assert list(turns.notes()) == [
        "The limits of the playbook would have let 3 runs wait, the longest 16 min. "
        "Each run counts as taking 10 min, as runs of the playbook mostly did."
    ]


def test_one_machine_has_one_run_at_a_time_and_what_is_too_many_may_be_dropped() -> None:
    turns = Turns(PlanLimits(one_per_machine=True, excess="drop"), timedelta(seconds=90))
    assert ask(turns, 0, 1, 2, machine="a") == [0, None, 2]
    assert ask(turns, 2, machine="b") == [2]
    assert ask(turns, 2, 2) == [2, 2]
    assert "dropped 1 run. Each run counts as taking 90 s" in next(turns.notes())


def test_without_limits_nothing_is_said_and_what_is_not_known_or_not_reached_is_said() -> None:
    free, unknown, roomy = Turns(None, MINUTE), Turns(PlanLimits(concurrent=1), None), Turns(PlanLimits(), MINUTE)
    for turns in (free, unknown, roomy):
        assert ask(turns, 0, 0) == [0, 0]
    assert list(free.notes()) == []
    assert "is not known" in next(unknown.notes())
    assert "held back no run" in next(roomy.notes())
