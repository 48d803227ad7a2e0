"""How often somebody may do something, whichever process they come to: counted here, and now and then by all together.

A process counts in its own memory and settles with the others, in the database, each time when it has let a tenth through.
So little that is asked costs no write, much costs one for sixty requests or more, and several processes together let through
the limit and at most a tenth of it for each.
"""

from collections import OrderedDict
from typing import Final

from ringfence import logs
from ringfence.security import rates
from ringfence.storage import Database
from ringfence.storage.scope import everywhere
from ringfence.web.rate import Rate

_SHARE: Final = 10
_log = logs.get(__name__)


class SharedRate:
    """Lets `per_minute` through for each key, by all processes together; `what` names what is counted."""

    def __init__(self, database: Database, what: str, per_minute: int, *, keys: int = 10_000) -> None:
        self._database = database
        self._what = what
        self._most = per_minute
        self._keys = keys
        self._rate = Rate(per_minute, keys=keys)
        self._unsettled: OrderedDict[str, int] = OrderedDict()

    async def wait(self, key: str) -> int:
        """Take a token and return 0, or return after how many seconds there is one.

        Where the database cannot be asked, this process counts alone until it can.
        """
        wait = self._rate.wait(key)
        if wait:
            return wait
        spent = self._unsettled.pop(key, 0) + 1
        if spent * _SHARE < self._most:
            self._unsettled[key] = spent
            while len(self._unsettled) > self._keys:
                self._unsettled.popitem(last=False)
            return 0
        try:
            with everywhere():
                enough, left = await self._database.run(lambda tx: rates.spend(tx, self._what, key, spent, self._most))
        except Exception as error:
            _log.warning("rate_not_settled", what=self._what, error=type(error).__name__)
            return 0
        # What was let through while the database was asked is not settled yet.
        self._rate.settle(key, left - self._unsettled.get(key, 0))
        return 0 if enough else max(1, self._rate.until_one(key))

    def left(self, key: str) -> tuple[int, int]:
        """Return how many a key may send at once now, and after how many seconds it may send as many as ever."""
        return self._rate.left(key)
