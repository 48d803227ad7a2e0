import pytest

from ringfence.simulator.clock import SimulatorClock


class _Wall:
    def __init__(self) -> None:
        self.time = 1_000.0

    def __call__(self) -> float:
        return self.time


def test_the_time_is_the_wall_clock_plus_what_was_advanced() -> None:
    wall = _Wall()
    clock = SimulatorClock(source=wall)
    clock.advance(50)
    wall.time += 5
    assert clock.now() == 1_055


def test_a_frozen_clock_only_moves_when_advanced_and_runs_on_from_there() -> None:
    wall = _Wall()
    clock = SimulatorClock(frozen=True, start=500.0, source=wall)
    wall.time += 100
    clock.advance(1)
    assert clock.now() == 501
    clock.thaw()
    wall.time += 2
    assert (clock.now(), clock.frozen) == (503, False)


def test_speed_shortens_durations_but_not_time() -> None:
    clock = SimulatorClock(frozen=True, start=0.0, speed=10)
    assert clock.duration(60) == 6
    assert clock.due(30) == 3
    clock.advance(3)
    assert (clock.now(), clock.scenario_elapsed()) == (3, 30)


def test_a_change_of_speed_keeps_what_has_played() -> None:
    clock = SimulatorClock(frozen=True, start=0.0)
    clock.advance(10)
    clock.set_speed(2)
    assert clock.due(20) == 15
    clock.advance(5)
    assert clock.scenario_elapsed() == 20


def test_a_saved_clock_continues() -> None:
    wall = _Wall()
    clock = SimulatorClock(source=wall, start=5_000.0, speed=3)
    other = SimulatorClock(source=wall)
    other.load(clock.dump())
    wall.time += 7
    assert (other.now(), other.due(9), other.speed) == (clock.now(), clock.due(9), 3)


@pytest.mark.parametrize("seconds", [-1.0, 1e15])
def test_the_clock_refuses_to_go_back_or_past_the_calendar(seconds: float) -> None:
    with pytest.raises(ValueError, match="clock"):
        SimulatorClock().advance(seconds)


def test_a_speed_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        SimulatorClock(speed=0)
    with pytest.raises(ValueError, match="greater than 0"):
        SimulatorClock().set_speed(-1)
