"""Carry drills through: look at what has happened, do the next thing, write a line of the scorecard.

Any number of workers may; each look is short and may be made again after a crash. The containment itself is the playbook's
and goes the way of every other: policy, approval, proof. The drill only adds the alert, the release and the record.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from ringfence import clock, logs
from ringfence.containment import gathering, policies, service
from ringfence.containment.driver import ClientSource
from ringfence.containment.model import Containment
from ringfence.containment.model import State as Contained
from ringfence.containment.target import prove
from ringfence.defender import DefenderClient, DefenderError, Priority, priority
from ringfence.drills import promotion, records, sightings
from ringfence.drills.model import EICAR_HINT, EICAR_SHA256, Drill, Mark, State, Step
from ringfence.drills.sightings import line
from ringfence.errors import RingfenceError
from ringfence.listeners.people import Starter, Wish
from ringfence.storage import Database, Transaction

log = logs.get(__name__)

_LOOK: Final = 2.0
_CLAIM: Final = 60.0
_LONGEST_SLEEP: Final = 5.0
_AGAIN: Final = 60.0
_BY_ITSELF: Final = 20.0
"""Seconds that the playbook is given to start by its own trigger before the drill starts it by hand."""
_INJECTION: Final = 10.0
_RELEASE: Final = 900.0
"""Seconds for which a drill waits for its device to be released before it says that it is not."""
_MARGIN: Final = 600.0
"""Seconds after its deadline at which the device is let go by its timer, whoever is left to ask for it."""
_WATCH: Final = 3600.0
"""Seconds after its end for which nothing may come of a drill's alert any more."""
_WATCH_PAUSE: Final = 10.0
_JUDGED: Final = 200


class Rehearsals:
    """Carries the drills of all organizations; `transport` replaces the network to a simulator, for tests."""

    def __init__(
        self, database: Database, clients: ClientSource, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._database = database
        self._clients = clients
        self._transport = transport
        self._starter = Starter()

    async def run_forever(self, stop: asyncio.Event) -> None:
        """Carry drills until `stop` is set; no failure ends it."""
        while not stop.is_set():
            pause = _LONGEST_SLEEP
            try:
                pause = await self.tick()
            except Exception:
                log.exception("drills could not be carried on; it is tried again")
            try:
                await asyncio.wait_for(stop.wait(), pause)
            except TimeoutError:
                continue

    async def tick(self) -> float:
        """Do what is due and return the seconds until there may be something to do again."""
        upcoming = await self._database.read(records.next_due)
        if upcoming is not None and upcoming <= clock.now():
            await self._database.run(self._begin_scheduled)
            due = await self._database.run(lambda tx: records.claim(tx, pause=_CLAIM))
            await asyncio.gather(*(self._carry(drill) for drill in due))
            upcoming = await self._database.read(records.next_due)
        if upcoming is None:
            return _LONGEST_SLEEP
        return min(max((upcoming - clock.now()).total_seconds(), 0.02), _LONGEST_SLEEP)

    def _begin_scheduled(self, tx: Transaction) -> None:
        for found in records.due_schedules(tx):
            try:
                where = records.device(tx, found.organization_id, found.machine_id)
                real = not sightings.is_simulated(tx, where.account_id)
                begun = records.begin(
                    tx, where, found.playbook, real=real, by=f"the schedule of {found.made_by}", patience=found.patience
                )
            except RingfenceError as error:
                records.begun(tx, found, str(error))
            else:
                records.begun(tx, found, f"Began drill {begun.id}.")

    async def _carry(self, drill: Drill) -> None:
        with logs.bind(organization=drill.organization_id, drill=drill.id), priority(Priority.ENRICH):
            try:
                await self._look(drill)
            except DefenderError as error:
                await self._clients.report(drill.account_id, error)
                await self._wait(drill, f"Waiting: {error.message or error.code} {error.advice}".strip())
            except RingfenceError as error:
                await self._wait(drill, f"Waiting: {error}")
            except Exception:
                log.exception("the drill could not be carried on")
                await self._wait(drill, "An internal error; see the server's log.")

    async def _wait(self, drill: Drill, detail: str) -> None:
        if drill.state is State.PREPARING and clock.now() >= drill.deadline_at:
            await self._end(drill, "It could not be prepared in time.", [line("prepared", Mark.FAILED, detail)])
            return
        await self._database.run(lambda tx: records.advance(tx, drill, detail=detail, after=_LOOK * 5))

    async def _look(self, drill: Drill) -> None:
        if (
            not drill.over
            and drill.state is not State.RELEASING
            and (drill.aborted_by is not None or clock.now() >= drill.deadline_at)
        ):
            await self._cut_short(drill)
            return
        match drill.state:
            case State.PREPARING:
                await self._prepare(drill)
            case State.OBSERVING:
                await self._observe(drill)
            case State.CONTAINING:
                await self._contain(drill)
            case State.RELEASING:
                await self._release(drill)
            case _:
                await self._database.run(lambda tx: _keep_free(tx, drill))

    # --- before ------------------------------------------------------------------------------------------------------

    async def _prepare(self, drill: Drill) -> None:
        client = await self._clients.get(drill.account_id)
        proof = prove(drill.machine_id, await gathering.records(client, drill.machine_id), clock.now())
        if proof.machine is None:
            await self._end(drill, proof.problem, [line("prepared", Mark.FAILED, proof.problem)])
            return
        machine = proof.machine
        stands = await self._database.read(
            lambda tx: policies.standing(tx, drill.organization_id, machine.rbac_group_name)
        )
        seen = await gathering.live(client, stands.effective.policy, machine.id)
        problem = await self._database.read(lambda tx: sightings.unready(tx, drill, machine, seen))
        if problem:
            await self._end(drill, problem, [line("prepared", Mark.FAILED, problem)])
            return
        said = f"{machine.computer_dns_name or machine.id} is the device meant, and nothing of ours holds it."
        steps = [line("prepared", Mark.DONE, said), await self._refusal(drill, client)]
        detail = EICAR_HINT if drill.real else "Asking the simulator for a test alert."
        await self._database.run(
            lambda tx: records.advance(tx, drill, state=State.OBSERVING, detail=detail, steps=steps)
        )

    async def _refusal(self, drill: Drill, client: DefenderClient) -> Step:
        others = [
            machine
            async for machine in client.list_machines()
            if machine.id.lower() != drill.machine_id and sightings.looks_protected(machine)
        ]
        return await self._database.read(lambda tx: sightings.judged(tx, drill, others[:_JUDGED]))

    # --- the alert ---------------------------------------------------------------------------------------------------

    async def _observe(self, drill: Drill) -> None:
        if await self._database.run(lambda tx: _observed(tx, drill)):
            return
        now = clock.now()
        if not drill.real and (drill.injected_at is None or (now - drill.injected_at).total_seconds() > _AGAIN):
            noted = await self._database.run(lambda tx: records.advance(tx, drill, after=_LOOK, injected_at=now))
            await self._inject(noted)
            return
        await self._database.run(lambda tx: records.advance(tx, drill, after=_LOOK))

    async def _inject(self, drill: Drill) -> None:
        """Put the test alert into the simulator. A repeated one bears the same title, and the first that is read counts."""
        address = await self._database.read(lambda tx: records.account_of(tx, drill))
        alert = {
            "machine": drill.machine_id,
            "tenant": address["tenant_id"],
            "title": drill.title,
            "description": "The test file was run although it had been blocked. This alert belongs to a drill.",
            "severity": "High",
            "category": "Malware",
            "investigation_state": "UnsupportedOs",
            "threat_family": "EICAR_Test_File",
            "evidence": [{"entityType": "File", "fileName": "eicar.com", "sha256": EICAR_SHA256}],
        }
        async with httpx.AsyncClient(transport=self._transport, trust_env=False, timeout=_INJECTION) as http:
            try:
                answer = await http.post(f"{str(address['api_url']).rstrip('/')}/_sim/alerts", json=alert)
            except httpx.HTTPError as error:
                log.warning("the simulator did not take the test alert", error=type(error).__name__)
                return
        if answer.is_error:
            log.warning("the simulator refused the test alert", status=answer.status_code)

    # --- the containment ---------------------------------------------------------------------------------------------

    async def _contain(self, drill: Drill) -> None:
        found = await self._database.run(lambda tx: _watched(tx, drill))
        if found is None:
            await self._start_by_hand(drill)
            return
        values: dict[str, Any] = {"containment_id": found.id, "run_id": found.run_id}
        if found.confirmed_at is not None:
            answers = await self._database.read(lambda tx: sightings.answered(tx, found))
            steps = [*sightings.clocks(found), *([line("approved", Mark.DONE, answers)] if answers else [])]
            await self._database.run(
                lambda tx: records.advance(
                    tx, drill, state=State.RELEASING, detail="Contained; releasing it.", steps=steps, **values
                )
            )
        elif _too_early(drill, found):
            said = (
                "The playbook asked before the alert was an incident, which policy demands; the drill started it again."
            )
            await self._begin_run(drill, said)
        elif found.final:
            advice = ""
            if found.state is Contained.NOT_NEEDED:
                advice = " Switch automatic remediation off for the test device's group, and repeat the drill."
            said = f"The containment ended as {_words(found.state)}: {found.detail}{advice}"
            await self._database.run(lambda tx: records.advance(tx, drill, **values))
            await self._end(drill, said, [line("contained", Mark.FAILED, said)])
        else:
            detail = f"The containment is {_words(found.state)}. {found.detail}".strip()
            await self._database.run(lambda tx: records.advance(tx, drill, detail=detail, after=_LOOK, **values))

    async def _start_by_hand(self, drill: Drill) -> None:
        """Start the playbook on the alert where its own trigger did not; either way it is the published version that runs."""
        observed = next(step for step in drill.steps if step.name == "observed")
        waited = (clock.now() - datetime.fromisoformat(observed.at)).total_seconds()
        started = await self._database.read(lambda tx: sightings.started(tx, drill))
        if drill.has("trigger") or started or waited < _BY_ITSELF:
            await self._database.run(lambda tx: records.advance(tx, drill, after=_LOOK))
            return
        said = "Its own trigger did not start the playbook on the test alert, so the drill started it by hand."
        await self._begin_run(drill, said)

    async def _begin_run(self, drill: Drill, said: str) -> None:
        wish = Wish(drill.playbook, drill.started_by, alert=drill.alert_id, key=f"drill:{drill.id}")

        def work(tx: Transaction) -> None:
            begun = self._starter.begin(tx, drill.organization_id, wish)
            step = line("trigger", Mark.WARNING, said)
            records.advance(tx, drill, steps=[step], after=_LOOK, run_id=begun.run_id, detail=said)

        try:
            await self._database.run(work)
        except RingfenceError as error:
            told = f"The playbook did not start by its trigger, and could not be started by hand: {error}"
            await self._end(drill, told, [line("contained", Mark.FAILED, told)])

    # --- after -------------------------------------------------------------------------------------------------------

    async def _cut_short(self, drill: Drill) -> None:
        why = (
            f"{drill.aborted_by} aborted the drill." if drill.aborted_by else "The drill took longer than it was given."
        )
        steps = [] if drill.aborted_by else [line("in time", Mark.FAILED, why)]
        found = await self._database.run(lambda tx: _watched(tx, drill))
        if found is None or found.final:
            await self._end(drill, why, steps)
            return
        await self._database.run(
            lambda tx: records.advance(
                tx, drill, state=State.RELEASING, detail=why, steps=steps, containment_id=found.id, run_id=found.run_id
            )
        )

    async def _release(self, drill: Drill) -> None:
        assert drill.containment_id is not None
        containment_id = drill.containment_id

        def work(tx: Transaction) -> Containment:
            found = service.current(tx, containment_id)
            if not found.final and found.release_requested_at is None:
                return service.let_go(tx, found.id, by=f"drill {drill.id}", reason="The drill is over.")
            return found

        found = await self._database.run(work)
        asked = found.release_requested_at
        if found.state is Contained.RELEASED:
            free = found.released_at
            seconds = (free - asked).total_seconds() if asked is not None and free is not None else None
            await self._end(
                drill, "Released.", [line("released", Mark.DONE, "Defender confirmed the release.", seconds)]
            )
        elif found.final:
            said = f"The containment ended as {_words(found.state)}: {found.detail}"
            unharmed = found.state in (Contained.CANCELLED, Contained.WITHDRAWN)
            mark = Mark.WARNING if unharmed and drill.aborted_by else Mark.FAILED
            await self._end(drill, said, [line("released", mark, said)])
        elif asked is not None and (clock.now() - asked).total_seconds() > _RELEASE:
            said = f"{drill.machine_name} is not known to be released: {found.detail} Ringfence goes on trying."
            await self._end(drill, said, [line("released", Mark.FAILED, said)])
        else:
            detail = f"Letting the device go. {found.detail}".strip()
            await self._database.run(lambda tx: records.advance(tx, drill, detail=detail, after=_LOOK))

    async def _end(self, drill: Drill, detail: str, steps: Iterable[Step]) -> None:
        lines = list(steps)

        def work(tx: Transaction) -> Drill:
            promotion.close(tx, drill)
            return records.end(tx, records.get(tx, drill.id), detail, lines, watch=_WATCH)

        ended = await self._database.run(work)
        log.info("drill ended", result=ended.state.value, device=ended.machine_name)


def _observed(tx: Transaction, drill: Drill) -> bool:
    """Write that the test alert was read, and promote it, if it was: what a policy demands must be there before it is asked."""
    found = sightings.alert_of(tx, drill)
    if found is None:
        return False
    alert_id, created_at, ingested_at = found
    seconds = (ingested_at - created_at).total_seconds() if created_at is not None else None
    steps = [line("observed", Mark.DONE, "The test alert was read from Defender.", seconds)]
    done = promotion.promote(tx, drill, alert_id)
    said = "The alert was promoted to" if done.created else "The alert was in"
    after = (clock.now() - ingested_at).total_seconds()
    steps.append(line("promoted", Mark.DONE, f"{said} incident {done.incident.name}.", after))
    detail = "The playbook is expected to contain the device."
    records.advance(tx, drill, state=State.CONTAINING, detail=detail, steps=steps, alert_id=alert_id)
    return True


def _watched(tx: Transaction, drill: Drill) -> Containment | None:
    """Return the drill's containment, with a timer that ends soon after the drill if nobody is left to end it."""
    found = sightings.containment(tx, drill)
    if found is None or found.final:
        return found
    return service.shorten(tx, found.id, ends=drill.deadline_at + timedelta(seconds=_MARGIN))


def _keep_free(tx: Transaction, drill: Drill) -> None:
    """Let go of what comes of a drill's alert after its end: of a run that was on its way, or of another playbook."""
    if sightings.succeeded(tx, drill):
        records.forget(tx, drill)
        return
    for found in sightings.stragglers(tx, drill):
        service.let_go(tx, found.id, by=f"drill {drill.id}", reason="The drill is over.")
        records.note(tx, drill, f"{drill.detail} It was asked to be contained after the end, and let go at once.")
    records.watch(tx, drill, pause=_WATCH_PAUSE, longest=_WATCH)


def _too_early(drill: Drill, found: Containment) -> bool:
    """Whether policy refused what was asked for before the drill had promoted the alert."""
    promoted = next((step for step in drill.steps if step.name == "promoted"), None)
    return (
        found.state is Contained.DENIED
        and promoted is not None
        and not drill.has("trigger")
        and bool((found.verdict or {}).get("facts", {}).get("promoted") is False)
    )


def _words(state: Contained) -> str:
    return state.value.replace("_", " ")
