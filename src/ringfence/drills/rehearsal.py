"""Carry drills through: look at what has happened, do the next thing, write a line of the scorecard.

Any number of workers may; each look is short and may be made again after a crash. The containment itself is the playbook's
and goes the way of every other: policy, approval, proof. The drill only adds the alert, the release and the record.
"""

import asyncio
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final

import httpx
import sqlalchemy as sa

from ringfence import clock, logs
from ringfence.accounts import records as accounts
from ringfence.alerts import queue
from ringfence.approvals import service as approvals
from ringfence.approvals.model import Subject
from ringfence.containment import gathering, policies, service
from ringfence.containment.driver import ClientSource
from ringfence.containment.model import HELD, Containment
from ringfence.containment.model import State as Contained
from ringfence.containment.target import prove
from ringfence.containment.verdict import Outcome, decide
from ringfence.defender import DefenderClient, DefenderError, Priority, priority
from ringfence.defender.clouds import is_loopback
from ringfence.defender.wire import Machine
from ringfence.drills import records
from ringfence.drills.model import EICAR_SHA256, Drill, Mark, State, Step, is_test_alert
from ringfence.errors import RingfenceError
from ringfence.listeners.people import Starter, Wish
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import alerts, containments, runs

log = logs.get(__name__)

_LOOK: Final = 2.0
_CLAIM: Final = 60.0
_LONGEST_SLEEP: Final = 5.0
_AGAIN: Final = 60.0
_BY_ITSELF: Final = 20.0
"""Seconds that the playbook is given to start by its own trigger before the drill starts it by hand."""
_INJECTION: Final = 10.0
_RELEASE: Final = 1800.0
"""Seconds after the deadline for which a drill waits for its device to be released before it says that it is not."""

EICAR_HINT: Final = (
    "On the test device, save the EICAR test file (eicar.org, “eicar.com”) to the downloads folder, or write its 68 characters "
    "to a file. Automatic remediation must be off for the device's group, or Defender answers before the playbook does."
)


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
                real = not _is_simulated(_address(tx, where.account_id))
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
            await self._end(drill, "It could not be prepared in time.", [_step("prepared", Mark.FAILED, detail)])
            return
        await self._database.run(lambda tx: records.advance(tx, drill, detail=detail, after=_LOOK * 5))

    async def _look(self, drill: Drill) -> None:
        if drill.state is not State.RELEASING and (drill.aborted_by is not None or clock.now() >= drill.deadline_at):
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
                return

    # --- before ------------------------------------------------------------------------------------------------------

    async def _prepare(self, drill: Drill) -> None:
        client = await self._clients.get(drill.account_id)
        proof = prove(drill.machine_id, await gathering.records(client, drill.machine_id), clock.now())
        if proof.machine is None:
            await self._end(drill, proof.problem, [_step("prepared", Mark.FAILED, proof.problem)])
            return
        machine = proof.machine
        held = await self._database.read(lambda tx: service.live_on(tx, drill.account_id, machine.id))
        if held is not None:
            said = f"{drill.machine_name} is held by containment {held.id} already; a drill begins with a free device."
            await self._end(drill, said, [_step("prepared", Mark.FAILED, said)])
            return
        said = f"{machine.computer_dns_name or machine.id} is the device meant, and nothing of ours holds it."
        steps = [_step("prepared", Mark.DONE, said), await self._refusal(drill, client)]
        detail = EICAR_HINT if drill.real else "Asking the simulator for a test alert."
        await self._database.run(
            lambda tx: records.advance(tx, drill, state=State.OBSERVING, detail=detail, steps=steps)
        )

    async def _refusal(self, drill: Drill, client: DefenderClient) -> Step:
        """Show that policy refuses a protected host, without asking for anything: a hole in it must not cost a host."""
        stands = await self._database.read(lambda tx: policies.standing(tx, drill.organization_id))
        allowed: str | None = None
        async for machine in client.list_machines():
            if machine.id.lower() == drill.machine_id or not _looks_protected(machine):
                continue
            outcome, reason = await self._database.read(lambda tx, each=machine: _judge(tx, drill, each))  # type: ignore[misc]
            name = machine.computer_dns_name or machine.id
            if outcome is Outcome.DENIED:
                return _step("protected host refused", Mark.DONE, f"{name} would be refused. {reason}")
            allowed = allowed or name
        if allowed is not None:
            said = f"{allowed} looks like a host that must not be cut off, and policy ({stands.version}) would not refuse it."
            return _step("protected host refused", Mark.FAILED, said)
        said = "No other host carries a protected tag or is a server of high value, so nothing was shown."
        return _step("protected host refused", Mark.WARNING, said)

    # --- the alert ---------------------------------------------------------------------------------------------------

    async def _observe(self, drill: Drill) -> None:
        found = await self._database.read(lambda tx: _test_alert(tx, drill))
        if found is not None:
            alert_id, created_at, ingested_at = found
            seconds = (ingested_at - created_at).total_seconds() if created_at is not None else None
            step = _step("observed", Mark.DONE, "The test alert was read from Defender.", seconds)
            await self._database.run(
                lambda tx: records.advance(
                    tx,
                    drill,
                    state=State.CONTAINING,
                    detail="The playbook is expected to contain the device.",
                    steps=[step],
                    alert_id=alert_id,
                )
            )
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
        found = await self._database.read(lambda tx: _containment(tx, drill))
        if found is None:
            await self._start_by_hand(drill)
            return
        values: dict[str, Any] = {"containment_id": found.id, "run_id": found.run_id}
        if found.state in HELD:
            answers = await self._database.read(lambda tx: _answered(tx, found))
            steps = [*_clocks(found), *([_step("approved", Mark.DONE, answers)] if answers else [])]
            await self._database.run(
                lambda tx: records.advance(
                    tx, drill, state=State.RELEASING, detail="Contained; releasing it.", steps=steps, **values
                )
            )
        elif found.final:
            advice = ""
            if found.state is Contained.NOT_NEEDED:
                advice = " Switch automatic remediation off for the test device's group, and repeat the drill."
            said = f"The containment ended as {found.state}: {found.detail}{advice}"
            await self._database.run(lambda tx: records.advance(tx, drill, **values))
            await self._end(drill, said, [_step("contained", Mark.FAILED, said)])
        else:
            detail = f"The containment is {found.state}: {found.detail}"
            await self._database.run(lambda tx: records.advance(tx, drill, detail=detail, after=_LOOK, **values))

    async def _start_by_hand(self, drill: Drill) -> None:
        """Start the playbook on the alert where its own trigger did not; either way it is the published version that runs."""
        observed = next(step for step in drill.steps if step.name == "observed")
        waited = (clock.now() - datetime.fromisoformat(observed.at)).total_seconds()
        if drill.run_id is not None or waited < _BY_ITSELF:
            await self._database.run(lambda tx: records.advance(tx, drill, after=_LOOK))
            return
        wish = Wish(drill.playbook, drill.started_by, alert=drill.alert_id, key=f"drill:{drill.id}")
        try:
            begun = await self._database.run(lambda tx: self._starter.begin(tx, drill.organization_id, wish))
        except RingfenceError as error:
            said = f"The playbook did not start by its trigger, and could not be started by hand: {error}"
            await self._end(drill, said, [_step("contained", Mark.FAILED, said)])
            return
        said = "Its own trigger did not start the playbook on the test alert, so the drill started it by hand."
        step = _step("trigger", Mark.WARNING, said)
        await self._database.run(
            lambda tx: records.advance(tx, drill, steps=[step], after=_LOOK, run_id=begun.run_id, detail=said)
        )

    # --- after -------------------------------------------------------------------------------------------------------

    async def _cut_short(self, drill: Drill) -> None:
        why = (
            f"{drill.aborted_by} aborted the drill." if drill.aborted_by else "The drill took longer than it was given."
        )
        steps = [] if drill.aborted_by else [_step("in time", Mark.FAILED, why)]
        found = await self._database.read(lambda tx: _containment(tx, drill))
        if found is None or (found.final and found.state not in HELD):
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
        if found.state is Contained.RELEASED:
            asked, free = found.release_requested_at, found.released_at
            seconds = (free - asked).total_seconds() if asked is not None and free is not None else None
            await self._end(
                drill, "Released.", [_step("released", Mark.DONE, "Defender confirmed the release.", seconds)]
            )
        elif found.final:
            said = f"The containment ended as {found.state}: {found.detail}"
            cut_short = found.state in (Contained.CANCELLED, Contained.WITHDRAWN)
            mark = Mark.WARNING if cut_short and drill.aborted_by else Mark.FAILED
            await self._end(drill, said, [_step("released", mark, said)])
        elif (clock.now() - drill.deadline_at).total_seconds() > _RELEASE:
            said = f"{drill.machine_name} is not known to be released: {found.detail} Ringfence goes on trying."
            await self._end(drill, said, [_step("released", Mark.FAILED, said)])
        else:
            await self._database.run(
                lambda tx: records.advance(tx, drill, detail=f"Releasing: {found.detail}", after=_LOOK)
            )

    async def _end(self, drill: Drill, detail: str, steps: Iterable[Step]) -> None:
        lines = list(steps)
        ended = await self._database.run(lambda tx: records.end(tx, records.get(tx, drill.id), detail, lines))
        log.info("drill ended", result=ended.state.value, device=ended.machine_name)


def is_simulated(tx: Transaction, account_id: str) -> bool:
    """Whether an account leads to a simulator, into which a test alert can be put."""
    return _is_simulated(_address(tx, account_id))


def _address(tx: Transaction, account_id: str) -> str:
    return accounts.by_id(tx, account_id).api_url or ""


def _is_simulated(address: str) -> bool:
    return is_loopback(httpx.URL(address).host) if address else False


def _step(name: str, mark: Mark, detail: str, seconds: float | None = None) -> Step:
    return Step(name, mark, detail, clock.iso(clock.now()), None if seconds is None else max(seconds, 0.0))


def _looks_protected(machine: Machine) -> bool:
    server = "server" in (machine.os_platform or "").lower()
    return bool(machine.machine_tags) or (server and machine.device_value == "High")


def _judge(tx: Transaction, drill: Drill, machine: Machine) -> tuple[Outcome, str]:
    asked = gathering.Asked(organization_id=drill.organization_id, account_id=drill.account_id)
    stands = policies.standing(tx, drill.organization_id, machine.rbac_group_name)
    found = decide(stands.effective.policy, gathering.facts(tx, asked, machine, gathering.Live()))
    return found.outcome, " ".join(found.reasons)


def _test_alert(tx: Transaction, drill: Drill) -> tuple[str, datetime | None, datetime] | None:
    """Return the row's id of the test alert, and when Defender made it and we read it."""
    since = drill.started_at
    fresh = (
        alerts.c.organization_id == drill.organization_id,
        alerts.c.account_id == drill.account_id,
        alerts.c.machine_id == drill.machine_id,
        alerts.c.ingested_at >= since,
        sa.or_(alerts.c.created_at.is_(None), alerts.c.created_at >= since),
    )
    for row in tx.all(sa.select(alerts).where(*fresh).order_by(alerts.c.ingested_at)):
        alert = queue.get(tx, drill.organization_id, row["id"])
        document = {**queue.raw(tx, drill.organization_id, alert), "machineId": alert.machine_id, "title": alert.title}
        if is_test_alert(drill, document):
            return row["id"], row["created_at"], row["ingested_at"]
    return None


def _containment(tx: Transaction, drill: Drill) -> Containment | None:
    """Return the containment that the drill's alert or run has led to."""
    if drill.alert_id is None:
        return None
    of_alert = sa.select(runs.c.id).where(runs.c.alert_id == drill.alert_id)
    led_to = [containments.c.alert_id == drill.alert_id, containments.c.run_id.in_(of_alert)]
    if drill.run_id is not None:
        led_to.append(containments.c.run_id == drill.run_id)
    query = (
        sa.select(containments.c.id)
        .where(containments.c.organization_id == drill.organization_id, sa.or_(*led_to))
        .where(sa.or_(containments.c.machine_id.is_(None), containments.c.machine_id == drill.machine_id))
        .order_by(containments.c.requested_at)
    )
    row = tx.one(query)
    return None if row is None else service.current(tx, row["id"])


def _answered(tx: Transaction, found: Containment) -> str:
    asked = approvals.latest_for(tx, Subject.CONTAINMENT, found.id)
    return "" if asked is None else ", ".join(f"{each.by} ({each.via})" for each in asked.answers if each.yes)


def _clocks(found: Containment) -> list[Step]:
    def between(first: datetime | None, last: datetime | None) -> float | None:
        return (last - first).total_seconds() if first is not None and last is not None else None

    return [
        _step("decided", Mark.DONE, "Policy allowed it.", between(found.requested_at, found.decided_at)),
        _step("accepted", Mark.DONE, "Defender accepted it.", between(found.decided_at, found.accepted_at)),
        _step("confirmed", Mark.DONE, "Defender confirmed it.", between(found.accepted_at, found.confirmed_at)),
    ]
