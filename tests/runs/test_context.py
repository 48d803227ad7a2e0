"""What a call of an action sees, and which of its lines are kept."""

from dataclasses import replace
from typing import Any, cast

import pytest

from ringfence.actions import RAW_ALERT, ContainmentPort, DefenderPort, Json
from ringfence.actions.base import LogLevel
from ringfence.playbooks.schedule import StepStatus
from ringfence.runs.attachments import Files
from ringfence.runs.context import StepContext, document_of, kept, outline, trigger_of
from ringfence.runs.model import Run, StepRun
from ringfence.storage import Database
from run_world import NOON, Time

RUN = Run(
    id="run-1",
    organization_id="o",
    organization_name="contoso",
    playbook_id="p",
    playbook_name="Example",
    playbook_version_id="v",
    version="1.2",
    source="",
    account_id=None,
    alert_id=None,
    trigger={"change": "created"},
    alert={"title": "Ransomware"},
    fence=1,
    nudges=0,
    segment=1,
    requested_at=NOON,
    resumed=False,
)


def context_of(step: StepRun, log_level: LogLevel = "info") -> StepContext:
    ports = cast("DefenderPort", None), cast("ContainmentPort", None)
    files = Files(cast("Database", None))
    return StepContext(RUN, step, trigger_of(RUN), {"run": {}}, *ports, log_level, files)


def test_the_trigger_holds_the_alert_as_defender_sent_it_also_under_its_own_variable() -> None:
    alone = {"change": "created", "alert": RUN.alert, RAW_ALERT: RUN.alert, "alerts": [RUN.alert]}
    assert trigger_of(RUN) == alone
    assert trigger_of(replace(RUN, alert=None)) == {"change": "created"}


def test_an_alert_of_graph_is_seen_as_defender_s_with_the_document_as_it_came_beside_it() -> None:
    raw = {"id": "da1_1", "severity": "high", "status": "new"}
    seen = trigger_of(replace(RUN, alert=raw, alert_source="graph"))
    assert seen[RAW_ALERT] == raw
    alert = seen["alert"]
    assert isinstance(alert, dict)
    assert (alert["severity"], alert["status"]) == ("High", "New")


def test_the_trigger_holds_all_alerts_that_joined_each_in_the_form_of_defender() -> None:
    joined = (("defender", {"title": "Ransomware"}), ("graph", {"title": "More", "severity": "high"}))
    alerts = trigger_of(replace(RUN, alerts=joined))["alerts"]
    assert isinstance(alerts, list)
    assert [(each["title"], each.get("severity")) for each in alerts if isinstance(each, dict)] == [
        ("Ransomware", None),
        ("More", "High"),
    ]


def test_the_document_has_the_outputs_of_steps_that_succeeded() -> None:
    steps = {
        name: StepRun("run-1", name, 0, "contoso.pure", status, output={"of": name})
        for name, status in (("done", StepStatus.SUCCEEDED), ("failed", StepStatus.FAILED), ("on", StepStatus.WAITING))
    }
    document = document_of(RUN, trigger_of(RUN), steps)
    assert document["steps"] == {"done": {"of": "done"}}
    assert document["playbook"] == {"name": "Example", "version": "1.2"}
    assert document["run"] == {"id": "run-1", "requested_at": "2026-01-31T12:00:00.000Z"}
    assert document["organization"] == {"id": "o", "name": "contoso"}


def test_a_call_sees_its_run_its_key_its_attempt_and_the_state_of_its_wait() -> None:
    Time().start()
    step = StepRun("run-1", "one", 0, "contoso.pure", attempt=3, state={"case": 7})
    context = context_of(step)
    assert (context.run_id, context.playbook_name, context.organization) == ("run-1", "Example", "o")
    assert (context.step_key, context.attempt, context.resumed) == ("run-1:one:0", 3, {"case": 7})
    assert context.document() == {"run": {}}
    assert context.now() == NOON


@pytest.mark.parametrize("log_level", ["error", "warn", "info", "debug", "trace"])
def test_a_line_is_kept_if_it_is_no_finer_than_the_playbook_wants(log_level: LogLevel) -> None:
    order: list[LogLevel] = ["error", "warn", "info", "debug", "trace"]
    wanted = order[: order.index(log_level) + 1]
    context = context_of(StepRun("run-1", "one", 0, "contoso.pure"), log_level)
    for level in order:
        context.log(level, "said", case=7)
    assert [line["level"] for line in context.lines] == wanted
    assert [level for level in order if kept(level, log_level)] == wanted
    assert context.lines[0]["fields"] == {"case": 7}


@pytest.mark.parametrize("field", [object(), float("nan"), "x" * 2_000_000])
def test_fields_that_are_not_json_are_left_out_of_a_line_with_the_reason(field: Any) -> None:
    context = context_of(StepRun("run-1", "one", 0, "contoso.pure"))
    context.log("info", "said", good=1, bad=cast("Json", field))
    (line,) = context.lines
    assert line["message"] == "said"
    assert list(line["fields"]) == ["left_out"]


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "nothing"),
        ({}, "an empty object"),
        ({"password": "canary", "user": "megan"}, "an object of password, user"),
        ({f"f{number}": number for number in range(14)}, "an object of " + ", ".join(f"f{n}" for n in range(12)) + " and 2 more"),
        (["canary"], "a list of 1"),
        ("canary", "a text of 6 characters"),
        (True, "true or false"),
        (7, "a number"),
    ],
)  # fmt: skip
def test_the_outline_of_a_value_says_what_it_consists_of_and_not_what_it_is(value: Json, said: str) -> None:
    assert outline(value) == said
