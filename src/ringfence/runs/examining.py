"""What the checks say of a playbook at the moment at which a run of it begins: lines of the run's log, which stop nothing.

A playbook that contains a host must not fail to because its last step lacks a permission; people read beforehand why it will.
"""

from collections import OrderedDict
from datetime import datetime, timedelta
from typing import Any, Final

from ringfence import clock, logs
from ringfence.playbooks import checks, document, surroundings
from ringfence.playbooks.calls import calls
from ringfence.playbooks.model import Catalogue, Playbook
from ringfence.playbooks.problems import Problem, Severity
from ringfence.runs.model import Run
from ringfence.storage import Database

log = logs.get(__name__)

_FRESH: Final = timedelta(minutes=1)
_MOST: Final = 256
_MOST_LINES: Final = 20


class Examiner:
    """Examines versions against their installation, at most once a minute each."""

    def __init__(self, database: Database, catalogue: Catalogue) -> None:
        self._database = database
        self._catalogue = catalogue
        self._known: OrderedDict[str, tuple[datetime, tuple[Problem, ...]]] = OrderedDict()

    async def lines(self, run: Run) -> list[dict[str, Any]]:
        """Return the lines with which a run's log begins: the errors that publishing its version would meet today."""
        try:
            problems = await self._problems(run)
        except Exception as error:
            # Whatever the checks meet, the run goes on: they only advise here.
            log.error("a playbook cannot be examined", playbook=run.playbook_name, exc_info=error)
            return []
        return [
            {
                "run_id": run.id,
                "step": problem.step,
                "at": clock.now(),
                "level": "warn",
                "message": f"{problem.message} {problem.advice}".strip(),
                "fields": {"check": problem.code, "line": problem.line},
            }
            for problem in problems[:_MOST_LINES]
        ]

    async def _problems(self, run: Run) -> tuple[Problem, ...]:
        known = self._known.get(run.playbook_version_id)
        if known is not None and clock.now() - known[0] < _FRESH:
            return known[1]
        errors = await self._examined(run)
        self._known[run.playbook_version_id] = (clock.now(), errors)
        if len(self._known) > _MOST:
            self._known.popitem(last=False)
        return errors

    async def _examined(self, run: Run) -> tuple[Problem, ...]:
        found = document.read(run.source)
        if found.playbook is None or not self._depends(found.playbook):
            return ()
        here = await self._database.read(lambda tx: surroundings.look(tx, run.organization_id, about=found.playbook))
        problems = checks.check(found, self._catalogue, here)
        # What starts runs is past caring about: this one has begun.
        return tuple(
            each
            for each in problems
            if each.severity is Severity.ERROR and (each.step is not None or each.code == "account-disabled")
        )

    def _depends(self, playbook: Playbook) -> bool:
        """Whether an account could keep it from being carried out; most that only compute are spared the look."""
        actions = (self._catalogue.find(step.action) for step in playbook.steps.values())
        return any(calls(playbook)) or any(action is not None and action.permissions for action in actions)
