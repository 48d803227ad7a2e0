"""One run for a terminal: what it was about, what went wrong, its steps in order, and its log."""

from typing import Any, Final

from rich.text import Text

from ringfence.cli.documents import form, put
from ringfence.cli.moments import age, exact, length, time_of_day
from ringfence.cli.terminal import Column, facts, heading, say, styled, table
from ringfence.cli.visible import visible
from ringfence.runs import nesting
from ringfence.runs.detail import Detail, Line, Step
from ringfence.runs.history import Row
from ringfence.runs.nesting import Cause

NEWEST_LINES: Final = 40


def document(found: Detail) -> dict[str, Any]:
    """Return everything that is known of a run, as JSON."""
    more = {"trigger": found.trigger, "steps": found.steps, "step_count": found.step_count, "log": found.lines}
    about = {"alerts": found.alerts, "alert_count": found.alert_count, "again": found.again}
    return {**form(found.row), **more, "older_lines": found.older_lines, **about}


def tell(found: Detail, *, values: bool, log: bool) -> None:
    """Print a run; `values` with each step's input and output, `log` with every line that is given."""
    _head(found)
    _trouble(found)
    _steps(found)
    if values:
        _values(found)
    _log(found, log=log)


def _head(found: Detail) -> None:
    row = found.row
    alert = f"{row.alert_title or 'alert'} ({row.alert_id})" if row.alert_id else ""
    others = f"and {found.alert_count - 1} more" if found.alert_count > 1 else ""
    facts(
        [
            ("run", row.id),
            ("playbook", f"{row.playbook_name} {row.version}"),
            ("status", styled(row.status)),
            ("what is wrong", row.error),
            ("cancelled", _cancelled(row)),
            ("because of", " ".join(filter(None, [alert, others])) or row.trigger_kind),
            ("machine", row.machine_name or row.machine_id or ""),
            ("acts for", acts_for(row)),
            ("again of", _again_of(row)),
            ("done again by", ", ".join(f"{each.id} ({each.status})" for each in found.again)),
            ("requested", exact(row.requested_at)),
            ("started", exact(row.started_at)),
            ("finished", exact(row.finished_at)),
            ("took", length(row.took)),
            ("saved", "" if row.minutes_saved is None else f"{row.minutes_saved:g} min of work"),
        ]
    )


def acts_for(row: Row) -> str:
    """Say in whose name a run acts, and how they came."""
    if row.run_as_kind != "person":
        return row.run_as
    by = f", {row.run_credential}" if row.run_credential else ""
    return f"{row.run_as} (by {row.run_via}{by})"


def _cancelled(row: Row) -> str:
    if row.cancel_requested_at is None:
        return ""
    why = f": {row.cancel_reason}" if row.cancel_reason else ""
    return f"by {row.cancel_requested_by} {age(row.cancel_requested_at)}{why}"


def _again_of(row: Row) -> str:
    if row.rerun_of is None:
        return ""
    return row.rerun_of if row.rerun_from is None else f"{row.rerun_of}, from {', '.join(row.rerun_from)} on"


def _trouble(found: Detail) -> None:
    """Say what failed and what is waited for, before anything else: it is why somebody looks."""
    causes = nesting.causes(found.steps)
    cancelled = [step for step in found.steps if step.error and step.status == "cancelled"]
    waiting = [step for step in found.steps if step.status == "waiting"]
    if causes:
        heading("What failed")
    for cause in causes:
        _cause(cause)
    if cancelled:
        heading("What was cancelled")
    for step in cancelled:
        say(f"{name_of(step)}: {step.error}")
    if waiting:
        heading("What it waits for")
    for step in waiting:
        looked = f"is looked at again {age(step.wake_at)}" if step.wake_at is not None else ""
        changed = f"goes on when {' or '.join(step.waits_for)} changes" if step.waits_for else ""
        said = ", or ".join(filter(None, [looked, changed])) or "waits"
        why = f" Last: {step.error}" if step.error else ""
        say(f"{name_of(step)}: {said}.{why}")


def _cause(cause: Cause[Step]) -> None:
    step = cause.first
    code = f" ({step.error_code})" if step.error_code else ""
    others = len(cause.steps) - 1
    say(f"{name_of(step)}{f' and {others} more' if others else ''}: {step.error}{code}")
    for attempt in step.attempts if len(step.attempts) > 1 else ():
        took = length(attempt.took)
        say(f"  attempt {attempt.number} at {time_of_day(attempt.started_at)}, {took}: {attempt.error or 'done'}")


def _steps(found: Detail) -> None:
    heading("Steps")
    if not found.steps:
        say("None has started.")
        return
    columns = [
        Column("step"),
        Column("action", optional=True),
        Column("status"),
        Column("outcome"),
        Column("attempt", right=True, optional=True),
        Column("started"),
        Column("took", right=True),
    ]
    table(columns, [_step(step, depth) for step, depth in nesting.tree(found.steps)])
    if found.step_count > len(found.steps):
        say(f"({found.step_count - len(found.steps)} more steps of items are left out: --json has them all.)")


def name_of(step: Step) -> str:
    """Return a step's name, with the number of its item where it is in a loop, and of its try where it is in a call."""
    return f"{step.step}[{step.round}]" if step.round else step.step


def _step(step: Step, depth: int) -> list[Any]:
    started = time_of_day(step.started_at) if step.started_at else "-"
    attempt = str(step.attempt) if step.started_at else "-"
    took = length(step.took)
    return [
        f"{'  ' * depth}{name_of(step)}",
        step.action,
        styled(step.status),
        step.outcome or "-",
        attempt,
        started,
        took,
    ]


def _values(found: Detail) -> None:
    for step in found.steps:
        if step.input is not None or step.output is not None:
            heading(f"Step {name_of(step)}")
            put({"input": step.input, "output": step.output})


def _log(found: Detail, *, log: bool) -> None:
    heading("Log")
    shown = found.lines if log else found.lines[-NEWEST_LINES:]
    left_out = len(found.lines) - len(shown)
    if left_out or found.older_lines:
        say("(Older lines are left out: --log has them all.)")
    for line in shown:
        say(_line(line))
    if not found.lines:
        say("Nothing was logged.")


def _line(line: Line) -> Text:
    said = styled(time_of_day(line.at)).append(f"  {visible(line.level):<7}  ", styled(line.level).style)
    where = f"{line.step}: " if line.step else ""
    more = "".join(f"  {name}={value}" for name, value in sorted(dict(line.fields or {}).items()))
    return said.append(visible(f"{where}{line.message}"), "none").append(visible(more), "dim")
