"""Write a playbook of ours as CACAO 2.0: valid by its rules, readable by other tools, and whole for us in an extension.

Each step becomes an action whose command a person could follow by hand; what it is to us stands in an extension of the
step. Outcomes become if and switch conditions over a variable of the step, side by side becomes parallel. What the format
cannot say is listed.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ringfence.errors import Invalid
from ringfence.playbooks import document
from ringfence.playbooks.cacao.flow import Flow, flow_of
from ringfence.playbooks.cacao.leaving import AUTHOR, EXTENSION, LeftOut, made_id
from ringfence.playbooks.cacao.rules import MOST_STEPS
from ringfence.playbooks.durations import Duration
from ringfence.playbooks.expressions import to_text
from ringfence.playbooks.model import ActionInfo, Catalogue, Effect, Playbook, Step
from ringfence.playbooks.triggers import ManualTrigger

LEVELS: Final = ("TLP:CLEAR", "TLP:GREEN", "TLP:AMBER", "TLP:AMBER+STRICT", "TLP:RED")
_LONGEST_COMMAND: Final = 20_000
_KEPT: Final = "it is kept in the extension only"
_ACTIVITIES: Final = {
    "containment.contain": "disconnect-system",
    "containment.release": "restore-capabilities",
    "defender.run_av_scan": "scan-system",
    "defender.restrict_code_execution": "restrict-access",
    "defender.submit_indicator": "restrict-access",
    "defender.import_indicators": "restrict-access",
    "defender.stop_and_quarantine_file": "eliminate-risk",
    "notify.send": "deliver-content",
    "mail.send": "deliver-content",
}
_BY_EFFECT: Final = {
    Effect.PURE: "step-sequence",
    Effect.READ: "analyze-collected-data",
    Effect.WRITE: "execute-operation",
    Effect.CONTAIN: "restrict-access",
}
_EXTENDED: Final = "What Ringfence knows of a playbook (`source`, its YAML) and of a step (`name`, `step`)."


@dataclass(frozen=True, slots=True)
class Origin:
    """Whose playbook it is, and which: identifiers and timestamps as CACAO writes them; `level` is a level of TLP 2.0."""

    id: str
    created_by: str
    created: str
    modified: str
    level: str | None = None

    @classmethod
    def of(
        cls, playbook_id: str, organization_id: str, created: str, modified: str, level: str | None = None
    ) -> "Origin":
        """Make one of our own ids; the same ids always give the same identifiers."""
        if level is not None and level not in LEVELS:
            raise Invalid(f"{level[:40]!r} is not a level of TLP 2.0.", advice=f"Take one of {', '.join(LEVELS)}.")
        return cls(made_id("playbook", playbook_id), made_id("identity", organization_id), created, modified, level)


@dataclass(frozen=True, slots=True)
class Written:
    """A CACAO document, and what of the playbook another tool will not see in it."""

    document: dict[str, Any]
    left_out: tuple[LeftOut, ...]


def write(source: str, catalogue: Catalogue, origin: Origin) -> Written:
    """Write a playbook; Invalid, with the problems as lines, if its text cannot be read."""
    found = document.read(source)
    if found.playbook is None:
        lines = tuple(problem.render("playbook") for problem in found.problems)
        raise Invalid("The playbook cannot be read.", advice="Run `ringfence playbook check`.", problems=lines)
    if not found.playbook.steps:
        raise Invalid("A playbook without steps cannot be given as CACAO.", advice="Add a step.")
    return _Writer(source, found.playbook, catalogue, origin).write()


@dataclass(slots=True)
class _Writer:
    source: str
    playbook: Playbook
    catalogue: Catalogue
    origin: Origin
    workflow: dict[str, dict[str, Any]] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)
    variables: dict[str, dict[str, Any]] = field(default_factory=dict)
    agents: dict[str, dict[str, Any]] = field(default_factory=dict)
    targets: dict[str, dict[str, Any]] = field(default_factory=dict)
    _placed: dict[tuple[str, str | None], tuple[str, ...]] = field(default_factory=dict)
    _queue: deque[tuple[str, str | None, tuple[str, ...]]] = field(default_factory=deque)
    _twice: dict[str, None] = field(default_factory=dict)

    def write(self) -> Written:
        flow = flow_of(self.playbook, self.catalogue)
        start = self._id("start")
        self.workflow[start] = {
            "type": "start",
            "name": "Start",
            "on_completion": self._link(flow, flow.roots, None, "start", ()),
        }
        while self._queue:
            name, stop, lane = self._queue.popleft()
            self._step(flow, name, stop, lane)
            if len(self.workflow) > MOST_STEPS:
                raise Invalid(
                    f"As CACAO, this playbook has more than {MOST_STEPS} steps.",
                    advice="Split it into several playbooks.",
                )
        self._remarks()
        return Written(self._document(start), tuple(self.left_out))

    def _id(self, kind: str, *parts: str) -> str:
        return made_id(kind, self.origin.id, *parts)

    # --- the way through -------------------------------------------------------------------------------------------

    def _link(self, flow: Flow, names: tuple[str, ...], stop: str | None, place: str, lane: tuple[str, ...]) -> str:
        """Give the identifier of what comes after a place: a step, several side by side, or the end of the branch."""
        rest = [name for name in names if name != stop]
        meeting = flow.meeting(rest) if rest else None
        if len(rest) > 1 and meeting in rest:
            rest.remove(meeting)
        if not rest:
            end = self._id("end", place)
            self.workflow[end] = {"type": "end"}
            return end
        if len(rest) == 1:
            return self._at(rest[0], stop, lane)
        meeting = flow.meeting(rest)
        parallel = self._id("parallel", place)
        here = stop if meeting is None else meeting
        self.workflow[parallel] = {
            "type": "parallel",
            "name": "Side by side",
            "next_steps": [
                self._link(flow, (name,), here, f"{place}/{name}", (*lane, f"{parallel}/{name}")) for name in rest
            ],
        }
        if meeting is not None and self.playbook.steps[meeting].join == "any":
            self._leave(f"steps.{meeting}.join", "CACAO goes on when all branches are over, not after the first.")
        self._go_on(flow, parallel, meeting, stop, lane)
        return parallel

    def _go_on(self, flow: Flow, construct: str, meeting: str | None, stop: str | None, lane: tuple[str, ...]) -> None:
        goes = () if meeting is None or meeting == stop else (meeting,)
        self.workflow[construct]["on_completion"] = self._link(flow, goes, stop, f"{construct}/after", lane)

    def _at(self, name: str, stop: str | None, lane: tuple[str, ...]) -> str:
        """Give the identifier of a step where its branch ends at `stop`, and see to it that it is written."""
        key = (name, stop)
        if key in self._placed:
            if self._placed[key] != lane:
                self._twice[name] = None
        else:
            if any(placed == name for placed, _ in self._placed):
                self._twice[name] = None
            self._placed[key] = lane
            self._queue.append((name, stop, lane))
        first = next(placed for placed in self._placed if placed[0] == name) == key
        return self._id(self._kind(name), name) if first else self._id(self._kind(name), name, stop or "")

    def _kind(self, name: str) -> str:
        return "playbook-action" if self.playbook.steps[name].action == "playbook.call" else "action"

    def _step(self, flow: Flow, name: str, stop: str | None, lane: tuple[str, ...]) -> None:
        step_id = self._at(name, stop, lane)
        made = self._action(name, self.playbook.steps[name])
        self.workflow[step_id] = made
        made["on_success"] = self._outcomes(flow, name, stop, step_id, lane, made)
        if flow.failed[name]:
            made["on_failure"] = self._link(flow, flow.failed[name], stop, f"{step_id}/failed", lane)

    def _outcomes(
        self, flow: Flow, name: str, stop: str | None, step_id: str, lane: tuple[str, ...], made: dict[str, Any]
    ) -> str:
        outcomes = flow.outcomes[name]
        after = {outcome: flow.after(name, outcome) for outcome in outcomes}
        if len(set(after.values())) == 1:
            return self._link(flow, after[outcomes[0]], stop, f"{step_id}/after", lane)
        variable = f"__{name}_outcome__"
        self.variables[variable] = {"type": "string", "description": f"How {name} ended: {', '.join(outcomes)}."}
        if made["type"] == "action":
            made["out_args"] = [variable]
        meeting = flow.beyond(name)
        here = stop if meeting is None else meeting
        ways = {outcome: self._link(flow, after[outcome], here, f"{step_id}/{outcome}", lane) for outcome in outcomes}
        if outcomes == ("yes", "no"):
            construct = self._id("if-condition", step_id)
            self.workflow[construct] = {
                "type": "if-condition",
                "name": f"{name}: yes or no",
                "condition": f"{variable}:value = 'yes'",
                "on_true": ways["yes"],
                "on_false": ways["no"],
            }
        else:
            construct = self._id("switch-condition", step_id)
            self.workflow[construct] = {
                "type": "switch-condition",
                "name": f"How {name} ended",
                "switch": f"{variable}:value",
                "cases": ways,
            }
        self._go_on(flow, construct, meeting, stop, lane)
        return construct

    # --- one step --------------------------------------------------------------------------------------------------

    def _action(self, name: str, step: Step) -> dict[str, Any]:
        action = self.catalogue.find(step.action)
        title = getattr(action, "title", "") or step.action
        kept = step.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        made: dict[str, Any] = {
            "type": self._kind(name),
            "name": name,
            "description": f"{title}. {step.note or ''}".strip(),
            "step_extensions": {EXTENSION: {"name": name, "step": kept}},
        }
        if step.timeout is not None:
            made["timeout"] = int(step.timeout.seconds * 1000)
        if made["type"] == "playbook-action":
            made["playbook_id"] = made_id("playbook", to_text(step.with_.get("name") or step.with_.get("playbook")))
            self._leave(f"steps.{name}", "The component that it calls is named in the extension, not by an identifier.")
        else:
            made["commands"] = [self._command(step, action, title)]
            made["agent"] = self._agent(step)
            if "machine" in step.with_:
                made["targets"] = [self._target()]
        if step.action == "logic.delay" and isinstance(text := step.with_.get("duration"), str):
            made |= _delay(text)
        self._unsaid(name, step)
        return made

    def _command(self, step: Step, action: ActionInfo | None, title: str) -> dict[str, Any]:
        lines = [f"{title} ({step.action})", *(f"{key}: {to_text(value)}" for key, value in step.with_.items())]
        activity = _ACTIVITIES.get(step.action) or _BY_EFFECT[action.effect if action is not None else Effect.WRITE]
        return {
            "type": "manual",
            "description": "To be done by Ringfence, or by hand where there is none.",
            "playbook_activity": activity,
            "command": "\n".join(lines)[:_LONGEST_COMMAND],
        }

    def _agent(self, step: Step) -> str:
        if step.action == "logic.approval":
            of = step.with_.get("of")
            people = [of] if isinstance(of, str) else [to_text(each) for each in of] if isinstance(of, list) else []
            agent = self._id("group", *people)
            self.agents[agent] = {"type": "group", "name": ", ".join(people) or "Everybody who may answer"}
            return agent
        agent = self._id("security-category", "ringfence")
        self.agents[agent] = {"type": "security-category", "name": "Ringfence", "category": ["orchestrator"]}
        return agent

    def _target(self) -> str:
        target = self._id("security-category", "machine")
        self.targets[target] = {
            "type": "security-category",
            "name": "The machine that the step names",
            "category": ["endpoint"],
        }
        return target

    def _unsaid(self, name: str, step: Step) -> None:
        for key, why in (
            ("retry", "CACAO has no word for trying again"),
            ("if_", "CACAO's conditions are STIX patterns, not JMESPath"),
            ("for_each", "CACAO has no word for doing a step for each item of a list"),
            ("mask", "CACAO has no word for hiding fields of a run"),
            ("mock", "CACAO has no word for pinned outputs"),
        ):
            if getattr(step, key) is not None and getattr(step, key) != ():
                self._leave(f"steps.{name}.{key.rstrip('_')}", f"{why}; {_KEPT}.")

    # --- the whole -------------------------------------------------------------------------------------------------

    def _leave(self, place: str, reason: str) -> None:
        found = LeftOut(place, reason)
        if found not in self.left_out:
            self.left_out.append(found)

    def _remarks(self) -> None:
        for name in self._twice:
            self._leave(
                f"steps.{name}.after", "It is reached on ways that do not nest; elsewhere it may be done twice."
            )
        if not isinstance(self.playbook.trigger, ManualTrigger):
            self._leave("trigger", f"CACAO does not say what starts a playbook; {_KEPT}.")
        for key in ("layout", "tests", "outputs"):
            if getattr(self.playbook, key, None):
                self._leave(key, f"CACAO has no word for it; {_KEPT}.")

    def _document(self, start: str) -> dict[str, Any]:
        origin = self.origin
        commands = [command for step in self.workflow.values() for command in step.get("commands", ())]
        made: dict[str, Any] = {
            "type": "playbook",
            "spec_version": "cacao-2.0",
            "id": origin.id,
            "name": self.playbook.name,
            "description": self.playbook.description,
            "playbook_types": list(self._types()),
            "playbook_activities": sorted({command["playbook_activity"] for command in commands}) or ["step-sequence"],
            "playbook_processing_summary": self._summary(commands),
            "created_by": origin.created_by,
            "created": origin.created,
            "modified": origin.modified,
            "revoked": False,
            "labels": ["ringfence", self.playbook.kind],
        }
        if origin.level is not None:
            made |= self._marked(origin.level)
        if variables := self._inputs() | self.variables:
            made["playbook_variables"] = variables
        made |= {"workflow_start": start, "workflow": self.workflow}
        made["playbook_extensions"] = {EXTENSION: {"source": self.source}}
        if self.agents:
            made["agent_definitions"] = self.agents
        if self.targets:
            made["target_definitions"] = self.targets
        made["extension_definitions"] = {
            EXTENSION: {
                "type": "extension-definition",
                "name": "Ringfence playbook",
                "description": _EXTENDED,
                "created_by": AUTHOR,
                "schema": _EXTENDED,
                "version": "1.0.0",
            }
        }
        return made

    def _types(self) -> Iterator[str]:
        effects = {found.effect for step in self.playbook.steps.values() if (found := self.catalogue.find(step.action))}
        actions = {step.action for step in self.playbook.steps.values()}
        if Effect.READ in effects or not effects & {Effect.WRITE, Effect.CONTAIN}:
            yield "investigation"
        if Effect.CONTAIN in effects or actions & {name for name in _ACTIVITIES if name.startswith("defender.")}:
            yield "mitigation"
        if actions & {"notify.send", "mail.send"}:
            yield "notification"
        if Effect.WRITE in effects and Effect.CONTAIN not in effects and Effect.READ not in effects:
            yield "remediation"

    def _summary(self, commands: list[dict[str, Any]]) -> dict[str, bool]:
        kinds = {step["type"] for step in self.workflow.values()}
        return {
            "manual_playbook": bool(commands) and "playbook-action" not in kinds,
            "external_playbooks": "playbook-action" in kinds,
            "parallel_processing": "parallel" in kinds,
            "if_logic": "if-condition" in kinds,
            "while_logic": False,
            "switch_logic": "switch-condition" in kinds,
            "temporal_logic": any("delay" in step or "timeout" in step for step in self.workflow.values()),
            "data_markings": self.origin.level is not None,
            "digital_signatures": False,
            "countersigned_signatures": False,
            "extensions": True,
        }

    def _marked(self, level: str) -> dict[str, Any]:
        marking = self._id("marking-tlp", level)
        definition = {
            "type": "marking-tlp",
            "id": marking,
            "created_by": self.origin.created_by,
            "created": self.origin.created,
            "tlpv2_level": level,
        }
        return {"markings": [marking], "data_marking_definitions": {marking: definition}}

    def _inputs(self) -> dict[str, dict[str, Any]]:
        trigger = self.playbook.trigger
        if not isinstance(trigger, ManualTrigger):
            return {}
        found: dict[str, dict[str, Any]] = {}
        for name, asked in trigger.inputs.items():
            made: dict[str, Any] = {"type": "string", "external": True}
            if asked.description:
                made["description"] = asked.description
            if asked.default:
                made["value"] = asked.default
            found[f"__{name}__"] = made
        return found


def _delay(text: str) -> dict[str, int]:
    try:
        return {"delay": int(Duration.parse(text).seconds * 1000)}
    except ValueError:
        # It is an expression, which is known only when it runs.
        return {}
