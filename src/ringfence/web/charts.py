"""Charts as numbers for an SVG: where each bar stands and what it says. The page draws them without script or style."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ringfence.containment.times import Day
from ringfence.web import formatting

_HEIGHT: Final = 96
_STEP: Final = 14
_THINNEST: Final = 3.0


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: from `y` down over `height`, with the median at `middle`; `height` is 0 on a day without any."""

    x: int
    y: float
    height: float
    middle: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars in a box of `width` by `height`; `top` says what its upper edge stands for."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    top: str


def spreads(days: Sequence[Day]) -> Chart | None:
    """Return a chart of medians and 95th percentiles day by day, None where there is nothing to draw."""
    known = [day.contain.most for day in days if day.contain.most is not None]
    if not known:
        return None
    # A scale that ends at nothing cannot be drawn.
    top = max(*known, timedelta(seconds=1))

    def height(length: timedelta) -> float:
        return round(_HEIGHT * (length / top), 1)

    bars = []
    for number, day in enumerate(days):
        x, when = number * _STEP, f"{day.day:%d %b}"
        if day.contain.median is None or day.contain.most is None:
            bars.append(Bar(x, _HEIGHT, 0, _HEIGHT, f"{when}: none"))
            continue
        tall = max(_THINNEST, height(day.contain.most))
        said = formatting.duration(day.contain.median), formatting.duration(day.contain.most)
        title = f"{when}: {formatting.count(day.contain.many, 'host')}, median {said[0]}, 95 % within {said[1]}"
        bars.append(Bar(x, round(_HEIGHT - tall, 1), tall, round(_HEIGHT - height(day.contain.median), 1), title))
    return Chart(len(days) * _STEP, _HEIGHT, tuple(bars), formatting.duration(top))
