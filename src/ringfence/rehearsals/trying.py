"""Carry out, in a worker, what people ask to be tried: proofs of releases, backtests and rehearsals, one at a time.

A trial is held by a lease while it is worked on, so that another worker takes it up if this one dies; one that somebody cancels
stops at its next step.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from pydantic import TypeAdapter

from ringfence import logs
from ringfence.actions.catalogue import Catalogue
from ringfence.errors import RingfenceError
from ringfence.organizations import service as organizations
from ringfence.playbooks import proofs, trials
from ringfence.playbooks.trials import Kind, Trial
from ringfence.rehearsals import playing
from ringfence.rehearsals.backtest import Backtest, backtest, checked
from ringfence.rehearsals.prover import Prover
from ringfence.storage import Database, Transaction, changes

log = logs.get(__name__)

_PAUSE: Final = 30.0
_AGAIN: Final = 5.0
_BEAT: Final = 2.0
_BACKTEST: Final = TypeAdapter(Backtest)

Perform = Callable[[Trial], Awaitable[Callable[[Transaction], Any]]]
"""Carries a trial out, and returns what writes its end."""


class Trials:
    """Works on trials for one worker, which `owner` names; `beat` is how often, in seconds, it looks whether it still may."""

    def __init__(
        self, database: Database, catalogue: Catalogue, prover: Prover, *, owner: str, beat: float = _BEAT
    ) -> None:
        self._catalogue = catalogue
        self._done: tuple[int, int] | None = None
        self._database = database
        self._prover = prover
        self._owner = owner
        self._beat = beat
        self._performers: dict[Kind, Perform] = {
            Kind.PROOF: self._prove,
            Kind.BACKTEST: self._backtest,
            Kind.REHEARSAL: self._rehearse,
        }

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set: at once when somebody asks for a trial, and again and again for what was left behind."""
        asked = asyncio.Event()
        listening = asyncio.create_task(self._listen(asked))
        stopping = asyncio.create_task(stop.wait())
        try:
            while not stop.is_set():
                asked.clear()
                working = asyncio.create_task(self._all())
                await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if not working.done():
                    # Nothing is lost: the lease is given back, and the trial begun anew.
                    working.cancel()
                with suppress(asyncio.CancelledError):
                    await working
                waking = asyncio.create_task(asked.wait())
                await asyncio.wait({waking, stopping}, timeout=_PAUSE, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
        finally:
            listening.cancel()
            stopping.cancel()
            await asyncio.gather(listening, stopping, return_exceptions=True)
            await self._prover.close()

    async def _listen(self, asked: asyncio.Event) -> None:
        since = await self._database.read(changes.latest)
        while True:
            try:
                async for batch in changes.follow(self._database, since, nouns=("trial",), gather=changes.GATHER):
                    if any(each.noun == "trial" and each.kind == trials.State.REQUESTED for each in batch):
                        asked.set()
                    if any(each.noun == "trial" and each.kind == trials.EXPECTED for each in batch):
                        await self._prover.expect()
                    since = batch[-1].id
            except Exception:
                log.exception("the change feed broke off; it is followed on from the same place")
            await asyncio.sleep(_AGAIN)

    async def _all(self) -> None:
        try:
            while await self.work():
                pass
            await self._database.run(trials.forget)
        except Exception:
            log.exception("trials could not be carried on; it is tried again")

    async def work(self) -> bool:
        """Take one trial and carry it out; False if there is none."""
        trial = await self._database.run(lambda tx: trials.claim(tx, self._owner))
        if trial is None:
            return False
        self._done = None
        with logs.bind(organization=trial.organization_id, trial=trial.id):
            doing = asyncio.create_task(self._carry(trial))
            try:
                while not (await asyncio.wait({doing}, timeout=self._beat))[0]:
                    if not await self._database.run(lambda tx: trials.hold(tx, trial, self._owner, self._done)):
                        break
            finally:
                doing.cancel()
                with suppress(asyncio.CancelledError):
                    await doing
        return True

    async def _carry(self, trial: Trial) -> None:
        try:
            end = await self._performers[trial.kind](trial)
        except RingfenceError as error:
            said = f"{error.message} {error.advice or ''}".strip()
            await self._database.run(lambda tx: trials.finish(tx, trial, detail=said))
        except Exception as error:
            log.exception("a trial failed with a bug")
            said = f"Internal error ({type(error).__name__}); see the server's log."
            await self._database.run(lambda tx: trials.finish(tx, trial, detail=said))
        else:
            await self._database.run(end)

    async def _prove(self, trial: Trial) -> Callable[[Transaction], Any]:
        subject = await self._database.read(lambda tx: proofs.subject(tx, trial.organization_id, trial.source))
        proof = await self._prover.prove(subject)
        return lambda tx: proofs.finish(tx, trial, proof)

    async def _rehearse(self, trial: Trial) -> Callable[[Transaction], Any]:
        asked = await self._database.read(lambda tx: playing.playing(tx, trial))
        played = await self._prover.play(asked)
        return lambda tx: playing.finish(tx, trial, played)

    async def _backtest(self, trial: Trial) -> Callable[[Transaction], Any]:
        over = False

        def watch(done: int, total: int) -> None:
            # It is on a thread, which cannot be cancelled from outside.
            if over:
                raise _Over
            self._done = (done, total)

        def look(tx: Transaction) -> Backtest:
            organization = organizations.get(tx, trial.organization_id)
            return backtest(tx, organization, trial.source, self._catalogue, days=trial.options["days"], watch=watch)

        try:
            found = await self._database.read(look)
        finally:
            over = True
        result = _BACKTEST.dump_python(found, mode="json")
        return lambda tx: trials.finish(tx, trial, result=result)


class _Over(Exception):
    """Nobody waits for it any more."""


def ask_backtest(
    tx: Transaction, organization_id: str, name: str, text: str, catalogue: Catalogue, by: str, *, days: int
) -> Trial:
    """Ask for a backtest; Invalid at once for what could not be tested."""
    checked(tx, organization_id, text, catalogue, days=days)
    return trials.request(tx, organization_id, Kind.BACKTEST, name, text, by, options={"days": days})


def found_by(trial: Trial) -> Backtest | None:
    """Return what a backtest found, None where it has not."""
    if trial.kind is not Kind.BACKTEST or trial.result is None:
        return None
    return _BACKTEST.validate_python(trial.result)
