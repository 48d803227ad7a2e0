"""Start playbooks at their moments, once however many workers look at the clock.

A mark says up to when a playbook's moments are dealt with; it moves in the transaction that requests the runs. What was
due before the playbook was published, or while it was paused, is nobody's business.
"""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Final

import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.clock import iso
from ringfence.listeners.pacing import Backoff
from ringfence.listeners.starting import start
from ringfence.organizations import service as organizations
from ringfence.playbooks.triggers import TimerTrigger
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import playbooks, timer_marks
from ringfence.triggers import timer
from ringfence.triggers.listening import Listener, Listening
from ringfence.waiting import pause

LONGEST_SLEEP: Final = 5.0
"""Seconds after which a playbook that was published meanwhile is noticed."""
_SET_BACK: Final = timedelta(hours=1)
_log = logs.get(__name__)


class Timers:
    """Looks at the timers of all organizations."""

    def __init__(self, database: Database, backoff: Backoff | None = None) -> None:
        self._database = database
        self._backoff = backoff or Backoff(longest=60.0)
        self._listening = Listening()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Start what is due until `stop` is set; no failure ends it."""
        while not stop.is_set():
            try:
                wait = await self.tick()
                self._backoff.succeeded()
            except Exception:
                _log.exception("timers_failed")
                wait = self._backoff.failed()
            await pause(stop.wait(), wait)

    async def tick(self) -> float:
        """Start what is due now and return the seconds until there may be something to do again."""
        now = clock.now()
        listeners, marks = await self._database.read(self._look)
        upcoming: list[datetime] = []
        for listener in listeners:
            mark = marks.get(listener.playbook.id)
            started, passed, following = timer.due(listener.trigger, _since(listener, mark), now)
            if started or passed or (mark is not None and mark > now + _SET_BACK):
                await self._database.run(partial(self._fire, listener))
            if following is not None:
                upcoming.append(following)
        left = (min(upcoming, default=now + timedelta(seconds=LONGEST_SLEEP)) - clock.now()).total_seconds()
        return max(0.0, min(LONGEST_SLEEP, left))

    def _look(self, tx: Transaction) -> tuple[list[Listener[TimerTrigger]], dict[str, datetime]]:
        found = [
            listener
            for organization in organizations.every(tx)
            for listener in self._listening.of(tx, organization.id, TimerTrigger)
            if not listener.paused
        ]
        return found, {row["playbook_id"]: row["until"] for row in tx.all(sa.select(timer_marks))}

    def _fire(self, listener: Listener[TimerTrigger], tx: Transaction) -> list[str]:
        """Request the runs that are due and move the mark; what another worker did meanwhile is seen here."""
        playbook, marks = listener.playbook, timer_marks.c
        current = sa.select(playbooks.c.active_version_id, playbooks.c.state).where(playbooks.c.id == playbook.id)
        row = tx.one(current.with_for_update(key_share=True))
        if row is None or (row["active_version_id"], row["state"]) != (playbook.version_id, playbook.state):
            return []
        tx.insert_new(timer_marks, [{"playbook_id": playbook.id, "until": playbook.updated_at, "passed_over": 0}])
        mark = tx.one(sa.select(timer_marks).where(marks.playbook_id == playbook.id).with_for_update())
        assert mark is not None
        now = clock.now()
        after = _since(listener, mark["until"])
        if after > now:
            if after <= now + _SET_BACK:
                return []
            # A mark far ahead was made by a clock that was wrong; runs of moments that come again are not made again.
            after = now
        started, passed, _ = timer.due(listener.trigger, after, now)
        made = [
            start(
                tx,
                playbook,
                f"timer:{iso(moment)}",
                timer.document(listener.trigger, moment, passed if number == 0 else 0),
                listener.trigger.account,
            )
            for number, moment in enumerate(started)
        ]
        if passed:
            _log.warning("timer_moments_passed_over", playbook=playbook.name, moments=passed)
        tx.execute(
            sa.update(timer_marks)
            .where(marks.playbook_id == playbook.id)
            .values(until=now, passed_over=marks.passed_over + passed)
        )
        return made


def _since(listener: Listener[TimerTrigger], mark: datetime | None) -> datetime:
    since = listener.playbook.updated_at
    return since if mark is None else max(since, mark)
