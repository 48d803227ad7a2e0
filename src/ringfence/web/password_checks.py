"""Check and make passwords off the event loop, two at a time: each takes 64 MiB and tens of milliseconds on purpose."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from ringfence.security import passwords
from ringfence.security.passwords import Passwords
from ringfence.web.services import Services

T = TypeVar("T")
_THREADS = ThreadPoolExecutor(2, thread_name_prefix="password")


class PasswordChecks:
    """The passwords of an installation."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._made: Passwords | None = None

    async def matches(self, stored: str | None, password: str) -> bool:
        """Tell whether a password is right; takes as long where there is none."""
        return await self._apart(lambda: self._passwords.matches(stored, password))

    async def hash(self, password: str, about: Sequence[str]) -> str:
        """Return what to store; raise Invalid for a password that cannot be one."""
        return await self._apart(lambda: self._passwords.hash(password, about))

    async def bring_up_to_date(self, user_id: str, stored: str, password: str) -> None:
        """Hash a password anew that was just proven right, if its hash is weaker than those made today."""
        if self._passwords.outdated(stored):
            made = await self._apart(lambda: self._passwords.hash_again(password))
            await self._services.database.run(lambda tx: passwords.store(tx, user_id, made, anew=True))

    async def _apart(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(_THREADS, work)

    @property
    def _passwords(self) -> Passwords:
        if self._made is None:
            settings = self._services.settings
            self._made = Passwords(shortest=settings.password_length, breached=settings.breached_passwords)
        return self._made
