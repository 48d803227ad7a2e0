"""A dry run: what reads is carried out, what acts is described and sent nowhere, and the rest is computed."""

from collections.abc import Mapping
from typing import Any, NoReturn, cast

from ringfence.actions import ActionError, AlertPort, ContainmentPort, DefenderPort, IncidentPort, TablePort
from ringfence.errors import Invalid
from ringfence.playbooks.model import Effect
from ringfence.rehearsals.describing import Describer
from ringfence.rehearsals.performing import Ended, Turn, carry_out, pinned
from ringfence.rehearsals.piece import Piece
from ringfence.rehearsals.report import How, Report
from ringfence.rehearsals.scene import Doors
from ringfence.rehearsals.walk import walk
from ringfence.runs.model import Run


class _Half:
    """A door of which only the half is open that changes nothing."""

    def __init__(self, port: object, reads: frozenset[str]) -> None:
        self._port = port
        self._reads = reads

    def __getattr__(self, name: str) -> Any:
        if name in self._reads:
            return getattr(self._port, name)
        return _refuse(name)


def _refuse(name: str) -> NoReturn:
    raise ActionError(
        "A dry run changes nothing, and this step says that it only reads but wanted to change something.",
        code="dry-run",
        permanent=True,
        advice=f"Tell the authors of the action: it called {name}.",
    )


def half_open(
    *,
    defender: DefenderPort,
    incidents: IncidentPort,
    tables: TablePort,
    alerts: AlertPort,
    containment: ContainmentPort,
) -> Doors:
    """Return doors through which one can look and nothing else; the others are shut."""
    return Doors(
        defender=cast(DefenderPort, _Half(defender, frozenset({"read", "list", "download"}))),
        incidents=cast(IncidentPort, _Half(incidents, frozenset({"get"}))),
        tables=cast(TablePort, _Half(tables, frozenset({"look_up"}))),
        alerts=cast(AlertPort, _Half(alerts, frozenset({"find"}))),
        containment=cast(ContainmentPort, _Half(containment, frozenset({"state", "orphans"}))),
    )


class _Doer:
    def __init__(self, piece: Piece, describer: Describer, assumed: Mapping[str, str]) -> None:
        self._piece = piece
        self._describer = describer
        self._assumed = assumed

    async def perform(self, turn: Turn) -> Ended:
        name = turn.planned.name
        mock = self._piece.mocks.get(name)
        if mock is not None:
            return await pinned(turn, mock)
        match turn.action.effect:
            case Effect.PURE:
                return await carry_out(turn, How.COMPUTED)
            case Effect.READ:
                return await carry_out(turn, How.READ)
        # Whatever else an action calls itself, now or in a later release, it is not surely a read.
        return await self._describer.describe(turn, self._assumed.get(name))


async def dry_run(
    piece: Piece, run: Run, doors: Doors, describer: Describer, assumed: Mapping[str, str] | None = None
) -> Report:
    """Rehearse a run; `assumed` are outcomes of steps that are only described. Invalid if one of these does not exist."""
    wanted = dict(assumed or {})
    for name, outcome in wanted.items():
        action = piece.actions.get(name)
        if action is None:
            raise Invalid(f"There is no step {name[:70]!r}.", advice=f"There are: {', '.join(piece.actions)}.")
        if outcome not in action.outcomes:
            advice = f"It has: {', '.join(action.outcomes)}."
            raise Invalid(f"Step {name!r} has no outcome {outcome[:60]!r}.", advice=advice)
    return await walk(piece, run, _Doer(piece, describer, wanted), doors)
