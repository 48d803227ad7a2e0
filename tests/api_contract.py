"""The contract of the API, made once for all tests of a process."""

from functools import cache
from typing import Any

from ringfence.api import create_api
from ringfence.api.contract import Document
from ringfence.settings import Settings


class _Unused:
    """Stands for services that nobody asks for anything while the routes are made."""

    settings = Settings()

    def __getattr__(self, name: str) -> Any:
        return _Unused()


@cache
def document() -> Document:
    """Return the contract."""
    made: Document = create_api(_Unused()).openapi()
    return made
