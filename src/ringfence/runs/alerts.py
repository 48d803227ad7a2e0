"""How an action finds alerts in the organization's own queue."""

from ringfence.actions import ActionError, QueuedAlert
from ringfence.alerts import queue
from ringfence.alerts.graph import PROVIDER
from ringfence.alerts.source import Source, common_form
from ringfence.errors import RingfenceError
from ringfence.runs.door import failure
from ringfence.runs.model import Run
from ringfence.storage import Database, Transaction


class Alerts:
    """The alert port of one run, or of a person; see `ringfence.actions.AlertPort`."""

    def __init__(
        self, database: Database, organization_id: str, account_id: str | None, run: Run | None = None
    ) -> None:
        self._database = database
        self._organization_id = organization_id
        self._account_id = account_id
        self._run = run

    async def find(self, alert: str | None, /) -> QueuedAlert:
        """Return an alert as it is now, or the one that started the run."""
        run = self._run
        if alert is None and run is not None and run.alert_id is None and run.alert is not None:
            document = common_form(run.alert_source, run.alert)
            return QueuedAlert("", str(document.get("id") or ""), "", True, True, document)
        wanted = alert or (run.alert_id if run is not None else None)
        if wanted is None:
            message = "No alert started this run."
            raise ActionError(message, code="no-alert", permanent=True, advice="Name the alert: `with: {alert: …}`.")
        try:
            return await self._database.read(lambda tx: self._find(tx, wanted))
        except RingfenceError as error:
            raise failure(error) from None

    def _find(self, tx: Transaction, wanted: str) -> QueuedAlert:
        found = queue.get(tx, self._organization_id, wanted)
        present = queue.read_version(tx, self._organization_id, found)
        ours = present.source != Source.GRAPH or present.raw.get("serviceSource") == PROVIDER
        mine = found.account_id == self._account_id
        document = common_form(present.source, present.raw)
        return QueuedAlert(found.id, found.alert_id, found.account, mine, ours, document)
