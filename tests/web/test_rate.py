from ringfence.web.rate import Rate
from run_world import Time


def test_as_many_as_allowed_come_through_and_the_next_is_told_how_long_to_wait() -> None:
    time, rate = Time().start(), Rate(6)
    assert [rate.wait("a") for _ in range(7)] == [0] * 6 + [10]
    assert rate.wait("b") == 0
    time.pass_by(9)
    assert rate.wait("a") == 1
    time.pass_by(1)
    assert [rate.wait("a"), rate.wait("a")] == [0, 10]
    time.pass_by(3600)
    assert [rate.wait("a") for _ in range(7)] == [0] * 6 + [10]


def test_a_clock_that_is_set_back_gives_nothing_and_takes_nothing() -> None:
    time, rate = Time().start(), Rate(60)
    assert rate.wait("a") == 0
    time.pass_by(-3600)
    assert [rate.wait("a") for _ in range(60)] == [0] * 59 + [1]


def test_only_so_many_keys_are_remembered() -> None:
    Time().start()
    rate = Rate(1, keys=2)
    for key in ("a", "b", "c"):
        assert rate.wait(key) == 0
    assert rate.wait("c") == 60
    assert rate.wait("a") == 0
