import pytest

from ringfence import clock
from ringfence.errors import NotSignedIn
from ringfence.security.throttle import Throttle


def test_guessing_is_slowed_down_and_the_wait_ends_by_itself() -> None:
    now = [1000.0]
    clock.replace(lambda: now[0])
    throttle = Throttle(free=3, first=2.0, longest=5.0)
    for _ in range(2):
        throttle.failed("Megan")
        throttle.demand("Megan")
    throttle.failed(" megan ")
    with pytest.raises(NotSignedIn, match="too many") as refused:
        throttle.demand("MEGAN")
    assert "2 seconds" in refused.value.advice
    throttle.demand("alex")
    now[0] += 2.0
    throttle.demand("Megan")
    for _ in range(40):
        throttle.failed("Megan")
    now[0] += 4.5
    with pytest.raises(NotSignedIn, match="too many"):
        throttle.demand("Megan")
    now[0] += 0.5
    throttle.demand("Megan")
    throttle.succeeded("Megan")
    throttle.failed("Megan")
    throttle.demand("Megan")


def test_the_throttle_remembers_only_so_many_names() -> None:
    throttle = Throttle(free=1, first=60.0, names=2)
    for name in ("a", "b", "c"):
        throttle.failed(name)
    throttle.demand("a")
    with pytest.raises(NotSignedIn):
        throttle.demand("c")
