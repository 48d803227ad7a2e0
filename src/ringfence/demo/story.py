"""Tell the story in a terminal while it happens: a board of hosts and a list of what was done, read back from the rows."""

from collections import deque

import sqlalchemy as sa
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ringfence.containment.model import State
from ringfence.demo.stage import Stage
from ringfence.storage import Transaction
from ringfence.storage.changes import Change
from ringfence.storage.tables import alerts, containment_events, containments, playbooks, runs, step_runs

_STAGES = (State.REQUESTED, State.PENDING, State.CONTAINED, State.RELEASED)
_PAST = {
    State.REQUESTED: 0,
    State.APPROVED: 0,
    State.SUBMITTING: 0,
    State.PENDING: 1,
    State.CONTAINED: 2,
    State.RELEASING: 2,
    State.RELEASE_FAILED: 2,
    State.RELEASED: 3,
}
_SEVERITY = {"High": "bold red", "Medium": "yellow", "Low": "cyan"}
_STATUS = {"succeeded": "green", "failed": "bold red", "waiting": "blue"}
# Before Defender was asked, only the alert knows what the machine is called.
_NAME = sa.func.coalesce(containments.c.machine_name, alerts.c.machine_name, containments.c.target)


class Story:
    """What has happened so far; `take` reads what is new, `page` draws it."""

    def __init__(self, stage: Stage, console: Console, *, lines: int = 14) -> None:
        self._stage = stage
        self._console = console
        self._lines: deque[Text] = deque(maxlen=lines)
        self._told: dict[tuple[str, str], str] = {}
        self._last_event = 0

    def take(self, batch: list[Change]) -> list[Text]:
        """Read what the changes are about and return the new lines."""
        new = self._stage.app.database.read_now(lambda tx: self._read(tx, batch))
        self._lines.extend(new)
        return new

    def _read(self, tx: Transaction, batch: list[Change]) -> list[Text]:
        lines: list[Text] = []
        for change in batch:
            if change.noun == "alert" and change.kind == "created":
                lines += self._alert(tx, change)
            elif change.noun == "run":
                lines += self._run(tx, change)
        return lines + self._containments(tx)

    def _line(self, change_at: Change | None, mark: str, style: str, text: str) -> Text:
        line = Text()
        if change_at is not None:
            line.append(f"{change_at.at:%H:%M:%S} ", style="dim")
        line.append(f"{mark:<11}", style=style)
        line.append(text)
        return line

    def _alert(self, tx: Transaction, change: Change) -> list[Text]:
        row = tx.one(sa.select(alerts).where(alerts.c.id == change.noun_id))
        if row is None:
            return []
        style = _SEVERITY.get(row["severity"], "")
        return [self._line(change, "alert", style, f"{row['severity']} · {row['machine_name']} · {row['title']}")]

    def _run(self, tx: Transaction, change: Change) -> list[Text]:
        run = tx.one(
            sa.select(runs.c.status, runs.c.error, playbooks.c.name, alerts.c.machine_name)
            .join(playbooks, playbooks.c.id == runs.c.playbook_id)
            .outerjoin(alerts, alerts.c.id == runs.c.alert_id)
            .where(runs.c.id == change.noun_id)
        )
        if run is None:
            return []
        lines: list[Text] = []
        if change.kind == "requested":
            lines.append(self._line(change, "playbook", "magenta", f"{run['name']} starts for {run['machine_name']}"))
        written = tx.all(
            sa.select(step_runs.c.step, step_runs.c.input)
            .where(
                step_runs.c.run_id == change.noun_id,
                step_runs.c.action == "defender.update_alert",
                step_runs.c.status == "succeeded",
            )
            .order_by(step_runs.c.position)
        )
        for step in written:
            comment = str((step["input"] or {}).get("comment", ""))
            if comment and self._new("comment", f"{change.noun_id}:{step['step']}", comment):
                lines.append(self._line(change, "write-back", "cyan", comment))
        if run["status"] in ("succeeded", "failed") and self._new("run", change.noun_id, run["status"]):
            detail = f": {run['error']}" if run["error"] else ""
            style = _STATUS[run["status"]]
            lines.append(self._line(change, "run", style, f"{run['machine_name']}: {run['status']}{detail}"))
        return lines

    def _containments(self, tx: Transaction) -> list[Text]:
        events = tx.all(
            sa.select(containment_events, _NAME.label("name"))
            .join(containments, containments.c.id == containment_events.c.containment_id)
            .outerjoin(alerts, alerts.c.id == containments.c.alert_id)
            .where(containment_events.c.id > self._last_event)
            .order_by(containment_events.c.id)
        )
        lines: list[Text] = []
        for event in events:
            self._last_event = event["id"]
            line = Text(f"{event['at']:%H:%M:%S} ", style="dim")
            line.append(f"{event['after']:<11}", style=_style(event["after"]))
            line.append(f"{event['name']} · {event['detail']}", style="")
            lines.append(line)
        return lines

    def _new(self, noun: str, key: str, value: str) -> bool:
        if self._told.get((noun, key)) == value:
            return False
        self._told[noun, key] = value
        return True

    def page(self) -> RenderableType:
        """Draw the board and the latest lines."""
        lines = list(self._lines) or [Text("Waiting for the first alert …", style="dim")]
        for line in lines:
            line.truncate(max(self._console.width - 4, 20), overflow="ellipsis")
        return Group(self._board(), Panel(Group(*lines), title="What happens", title_align="left"))

    def _board(self) -> Table:
        table = Table(title="Containment", title_justify="left", expand=True)
        for name in ("host", "state", "requested ▸ pending ▸ contained ▸ released", "as it stands"):
            table.add_column(name, no_wrap=name != "as it stands")
        rows = self._stage.app.database.read_now(
            lambda tx: tx.all(
                sa.select(containments.c.state, containments.c.detail, _NAME.label("name"))
                .outerjoin(alerts, alerts.c.id == containments.c.alert_id)
                .order_by(containments.c.requested_at)
            )
        )
        for row in rows:
            state = State(row["state"])
            table.add_row(
                Text(row["name"]),
                Text(state.value.replace("_", " "), style=_style(state)),
                _track(state),
                Text(row["detail"]),
            )
        if not rows:
            table.add_row(Text("none yet", style="dim"), "", "", "")
        return table


def _style(state: str) -> str:
    match state:
        case "contained":
            return "bold green"
        case "released":
            return "green"
        case "denied" | "failed" | "timed_out" | "release_failed":
            return "bold red"
        case "pending" | "submitting" | "releasing":
            return "yellow"
        case _:
            return "blue"


def _track(state: State) -> Text:
    if state not in _PAST:
        return Text("✕ " + state.value.replace("_", " "), style=_style(state))
    text = Text()
    for number, each in enumerate(_STAGES):
        reached = number <= _PAST[state]
        text.append("●" if reached else "○", style=_style(each) if reached else "dim")
        if number < len(_STAGES) - 1:
            text.append(" ── ", style="dim")
    return text
