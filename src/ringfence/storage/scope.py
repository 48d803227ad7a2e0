"""Whose rows a context sees in PostgreSQL: everything, those of one organization, or none.

The web side says for each request which organization it is of (`within`), or that it is of none (`nowhere`); what must look
across organizations, such as signing in, says so (`everywhere`). The worker and the command line work for the whole
installation and say nothing. `row_security` makes PostgreSQL hold everybody to it; SQLite has no such means, and the checks in
code stand alone there.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows of one organization, and of the person who asks; nobody's where both are empty."""

    organization_id: str = ""
    user_id: str = ""


_scope: ContextVar[Scope | None] = ContextVar("ringfence_scope", default=None)


def current() -> Scope | None:
    """Return whose rows are seen; None means all."""
    return _scope.get()


@contextmanager
def _set(scope: Scope | None) -> Iterator[None]:
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)


def within(organization_id: str, user_id: str = "") -> AbstractContextManager[None]:
    """See only the rows of one organization inside the block."""
    return _set(Scope(organization_id, user_id))


def nowhere() -> AbstractContextManager[None]:
    """See nobody's rows inside the block."""
    return _set(Scope())


def everywhere(*, only_if: bool = True) -> AbstractContextManager[None]:
    """See all rows inside the block, for what is the installation's; `only_if` it is, else what was seen before."""
    return _set(None) if only_if else nullcontext()
