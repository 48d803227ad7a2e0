"""When Python looks for garbage: hardly while modules load, which makes what stays, and among that neither later nor at last."""

import gc
from typing import Final

_USUAL: Final = gc.get_threshold()
_SELDOM: Final = 100_000


def put_off() -> None:
    """Look seldom, until `settle`: a start makes half a million objects, and looking among them takes a fifth of its time."""
    gc.set_threshold(_SELDOM, *_USUAL[1:])


def settle() -> None:
    """Look as usual, but not at what was made until now: a round over all of it stops every page for 0.3 s."""
    gc.freeze()
    gc.set_threshold(*_USUAL)


def leave() -> None:
    """End without looking: the process takes all of it along, and a look at it takes a fifth of most commands' time."""
    gc.freeze()
