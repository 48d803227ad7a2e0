"""The workflow of a CACAO document as steps of ours.

Each region (the whole, a branch) is walked in an order in which what leads to a step comes before it. An edge is a step of
ours and the outcome by which it is left; where several lead to one place they exclude each other, and the first that is
taken counts. Branches side by side meet in a step that waits for all of them.
"""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from ringfence.errors import Invalid
from ringfence.playbooks.cacao import conditions
from ringfence.playbooks.cacao.hands import LONGEST, length, told
from ringfence.playbooks.cacao.leaving import EXTENSION, LeftOut
from ringfence.playbooks.cacao.reading import branches, known_extension, pointer
from ringfence.playbooks.cacao.rules import (
    MOST_STEPS,
    Action,
    End,
    IfCondition,
    Parallel,
    Playbook,
    PlaybookAction,
    Start,
    Step,
    SwitchCondition,
    WhileCondition,
)
from ringfence.playbooks.model import NAME, Catalogue
from ringfence.playbooks.model import Step as OurStep

_PATIENCE: Final = 7 * 86_400_000
_LONGEST_QUESTION: Final = 1_500
_DEEPEST: Final = 50
_MOST_VISITS: Final = 5_000
_OUTCOME: Final = re.compile(r"__(\w{1,64})_outcome__\Z", re.ASCII)


@dataclass(frozen=True, slots=True)
class Edge:
    """A way out of a step of ours; the outcome is empty where any success will do."""

    step: str
    outcome: str = ""

    def __str__(self) -> str:
        return f"{self.step}.{self.outcome}" if self.outcome else self.step


Edges = tuple[Edge, ...]


@dataclass(frozen=True, slots=True)
class _Way:
    """How a step of theirs is left: after success, after failure, and into branches of which one is taken."""

    done: Edges = ()
    failed: Edges = ()
    branches: tuple[tuple[str, Edges], ...] = ()


class Workflow:
    """Turns one document's workflow into steps; `known` says by which expression a run sees a variable."""

    def __init__(self, foreign: Playbook, catalogue: Catalogue, known: dict[str, str]) -> None:
        self._foreign = foreign
        self._catalogue = catalogue
        self._known = known
        self._made: dict[str, dict[str, Any]] = {}
        self._ours: dict[str, str] = {}
        self._hands: list[str] = []
        self._taken_back: list[str] = []
        self._failures: list[Edge] = []
        self._left: dict[LeftOut, None] = {}
        self._visits: Counter[str] = Counter()
        self._depth = 0

    @property
    def left_out(self) -> tuple[LeftOut, ...]:
        """What was not carried."""
        return tuple(self._left)

    @property
    def carried_out(self) -> tuple[tuple[str, str], ...]:
        """The steps that Ringfence itself wrote and would do, with their actions."""
        return tuple((name, str(self._made[name]["action"])) for name in self._taken_back)

    @property
    def by_hand(self) -> tuple[str, ...]:
        """The steps that ask a person to do what a command says."""
        return tuple(self._hands)

    def knows(self, variable: str) -> bool:
        """Tell whether a variable is the outcome of a step that was taken back."""
        return self._outcome_of(variable) is not None

    def steps(self, *, after: tuple[str, ...] = ()) -> dict[str, Any]:
        """Give the steps in the form of the playbook document; the first come after those named."""
        self._made |= {name: {} for name in after}
        self._region([(self._foreign.workflow_start, tuple(Edge(name) for name in after))], root=not after)
        handler = self._foreign.workflow_exception
        if handler is not None and self._failures:
            self._region([(handler, tuple(self._failures))])
        for name in after:
            self._made.pop(name)
        return self._made

    # --- regions ---------------------------------------------------------------------------------------------------

    def _region(self, firsts: Iterable[tuple[str, Edges]], *, root: bool = False) -> Edges:
        """Make the steps of a region that begins in one of several places; gives the ways by which it is left."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise Invalid(
                f"Its branches are nested more than {_DEEPEST} deep.", advice="Split it into several playbooks."
            )
        coming: dict[str, list[Edge]] = {}
        for first, entry in firsts:
            coming.setdefault(first, []).extend(entry)
        roots = set(coming) if root else set()
        left: list[Edge] = []
        for step_id in self._order(coming):
            edges = tuple(dict.fromkeys(coming.get(step_id, ())))
            if not edges and step_id not in roots:
                continue
            step = self._foreign.workflow[step_id]
            way = self._step(step_id, step, edges)
            done, following = way.done, step.on_completion or step.on_success
            if self._last(step):
                # Nothing comes after its branches: they may share steps with whatever else leads to the end.
                for target, taken in way.branches:
                    coming.setdefault(target, []).extend(taken)
            else:
                done += self._region(way.branches)
            if following is None:
                left += done
            else:
                coming.setdefault(following, []).extend(done)
                if step_id in roots and not done and not way.failed:
                    # Nothing was made of what stands here: what follows is where it begins.
                    roots.add(following)
            if step.on_failure is not None:
                coming.setdefault(step.on_failure, []).extend(way.failed)
            else:
                self._failures += way.failed
        self._depth -= 1
        return tuple(dict.fromkeys(left))

    def _last(self, step: Step) -> bool:
        """Tell whether a step opens branches after which nothing comes."""
        if not isinstance(step, IfCondition | SwitchCondition | WhileCondition):
            return False
        following = step.on_completion or step.on_success
        return following is None or isinstance(self._foreign.workflow[following], End)

    def _order(self, firsts: Iterable[str]) -> list[str]:
        """Give what follows in a region, without branches that something comes after, each after all that lead to it."""
        order: list[str] = []
        seen: set[str] = set()
        stack: list[tuple[str, bool]] = [(first, False) for first in firsts]
        while stack:
            step_id, over = stack.pop()
            if over:
                order.append(step_id)
                continue
            if step_id in seen:
                continue
            seen.add(step_id)
            stack.append((step_id, True))
            step = self._foreign.workflow[step_id]
            following = [step.on_completion, step.on_success, step.on_failure]
            following += [target for _, target in branches(step)] if self._last(step) else []
            stack += [(target, False) for target in following if target is not None]
        return order[::-1]

    # --- steps -----------------------------------------------------------------------------------------------------

    def _step(self, step_id: str, step: Step, entry: Edges) -> _Way:
        """Make what a step of theirs becomes."""
        self._visits[step_id] += 1
        if self._visits.total() > _MOST_VISITS:
            raise Invalid("Its branches meet too often.", advice="Split it into several playbooks.")
        if isinstance(step, Start | End):
            return _Way(entry)
        if self._visits[step_id] == 2:
            self._leave("It is reached from several branches, and stands more than once.", "workflow", step_id)
        self._remark(step_id, step)
        if step.delay:
            entry = self._delayed(step_id, step, entry)
        match step:
            case Action() | PlaybookAction():
                return self._action(step_id, step, entry)
            case Parallel():
                return _Way(self._parallel(step, entry))
            case IfCondition():
                return self._if(step_id, step, entry)
            case WhileCondition():
                why = "Ours have no loops over a condition: its branch is done once where the condition holds."
                self._leave(why, "workflow", step_id)
                return self._if(step_id, step, entry)
            case SwitchCondition():
                return self._switch(step_id, step, entry)

    def _action(self, step_id: str, step: Action | PlaybookAction, entry: Edges) -> _Way:
        mine = self._mine(step_id, step, entry)
        if mine is not None:
            return _Way((Edge(mine),), (Edge(mine, "error"),))
        if isinstance(step, PlaybookAction):
            why = "It runs a playbook that is known by its identifier only; a person is asked to run it."
            self._leave(why, "workflow", step_id, "playbook_id")
            return self._by_hand(step, step.name or "playbook", f"Run the playbook {step.playbook_id} by hand.", entry)
        failed: list[Edge] = []
        for number, command in enumerate(step.commands):
            if command.type != "manual":
                why = f"The command type {command.type[:60]!r} is not carried out; a person is asked to do it."
                self._leave(why, "workflow", step_id, "commands", number)
            for name in command.unknown:
                self._leave(
                    "This property of the command is not carried.", "workflow", step_id, "commands", number, name
                )
            way = self._by_hand(step, step.name or command.type, told(self._foreign, step, command), entry)
            entry = way.done
            failed += way.failed
        return _Way(entry, tuple(failed))

    def _mine(self, step_id: str, step: Action | PlaybookAction, entry: Edges) -> str | None:
        """Take back a step that Ringfence wrote, if its action is one of this installation."""
        kept = known_extension(step.step_extensions, EXTENSION)
        if not kept:
            return None
        try:
            ours = OurStep.model_validate(kept.get("step"))
        except ValidationError:
            self._leave(
                "What the extension says is no step of ours.", "workflow", step_id, "step_extensions", EXTENSION
            )
            return None
        if self._catalogue.find(ours.action) is None:
            why = f"The action {ours.action[:60]!r} is not installed here."
            self._leave(why, "workflow", step_id, "step_extensions", EXTENSION)
            return None
        content = ours.model_dump(mode="json", by_alias=True, exclude_defaults=True)
        for name in ("after", "join", "on_error"):
            content.pop(name, None)
        wanted = kept.get("name")
        name = self._name(wanted if isinstance(wanted, str) else step.name or "step")
        self._add(name, content, entry)
        self._taken_back.append(name)
        if isinstance(wanted, str):
            self._ours[wanted] = name
        return name

    def _by_hand(self, step: Action | PlaybookAction, name: str, told: str, entry: Edges) -> _Way:
        made = self._question(name, told, entry, patience=step.timeout)
        self._hands.append(made)
        return _Way((Edge(made, "approved"),), (Edge(made, "rejected"), Edge(made, "expired")))

    def _delayed(self, step_id: str, step: Step, entry: Edges) -> Edges:
        assert step.delay is not None
        kept = known_extension(step.step_extensions, EXTENSION).get("step")
        if isinstance(kept, dict) and kept.get("action") == "logic.delay":
            return entry
        if step.delay > LONGEST:
            self._leave("Ours wait at most 30 days; this waits so long.", "workflow", step_id, "delay")
        name = self._name(f"{step.name or 'step'}_delay")
        self._add(name, {"action": "logic.delay", "with": {"duration": length(step.delay)}}, entry)
        return (Edge(name),)

    # --- branches --------------------------------------------------------------------------------------------------

    def _parallel(self, step: Parallel, entry: Edges) -> Edges:
        ends: list[Edge] = []
        for target in step.next_steps:
            left = self._region([(target, entry)], root=not entry)
            if len(left) > 1:
                name = self._name(f"{step.name or 'branch'}_over")
                self._add(name, _nothing("The branch is over, whichever way it went."), left)
                left = (Edge(name),)
            ends += [edge for edge in left if edge not in ends]
        following = step.on_completion or step.on_success
        if len(ends) < 2 or following is None or isinstance(self._foreign.workflow[following], End):
            return tuple(ends)
        name = self._name(f"{step.name or 'branches'}_together")
        self._add(name, _nothing("Waits for all branches."), tuple(ends), join="all")
        return (Edge(name),)

    def _if(self, step_id: str, step: IfCondition | WhileCondition, entry: Edges) -> _Way:
        yes, no = self._tested(step_id, step.name or "condition", step.condition, entry)
        if isinstance(step, IfCondition) and step.on_false is not None:
            return _Way(branches=((step.on_true, yes), (step.on_false, no)))
        return _Way(no, branches=((step.on_true, yes),))

    def _switch(self, step_id: str, step: SwitchCondition, entry: Edges) -> _Way:
        variable = conditions.variable_of(step.switch)
        mine = self._outcome_of(variable)
        opened: list[tuple[str, Edges]] = []
        if mine is not None:
            for value, target in step.cases.items():
                if value in self._outcomes(mine):
                    opened.append((target, (Edge(mine, value),)))
                else:
                    self._leave("The step does not end so.", "workflow", step_id, "cases", value)
            return _Way(branches=tuple(opened))
        rest = entry
        place = self._known.get(variable or "")
        for value, target in step.cases.items():
            if value == "default":
                continue
            name = step.name or "case"
            if place is not None:
                yes, rest = self._condition(name, conditions.comparison(place, value), rest)
            else:
                why = "This value is not known here; a person is asked."
                self._leave(why, "workflow", step_id, "switch")
                yes, rest = self._asked(name, f"Is {step.switch} equal to {value!r}?", rest)
            opened.append((target, yes))
        if "default" in step.cases:
            return _Way(branches=(*opened, (step.cases["default"], rest)))
        return _Way(rest, branches=tuple(opened))

    def _tested(self, step_id: str, name: str, condition: str, entry: Edges) -> tuple[Edges, Edges]:
        found = conditions.compared(condition)
        mine = self._outcome_of(found.variable) if found is not None else None
        if found is not None and mine is not None and found.equal:
            others = [other for other in self._outcomes(mine) if other != found.value]
            return (Edge(mine, found.value),), tuple(Edge(mine, other) for other in others)
        place = self._known.get(found.variable) if found is not None else None
        if found is not None and place is not None:
            return self._condition(name, conditions.comparison(place, found.value, equal=found.equal), entry)
        why = "This condition cannot be evaluated here; a person is asked whether it holds."
        self._leave(why, "workflow", step_id, "condition")
        return self._asked(name, f"Does this hold? {condition}", entry)

    def _condition(self, name: str, test: str, entry: Edges) -> tuple[Edges, Edges]:
        made = self._name(name)
        self._add(made, {"action": "logic.condition", "with": {"test": test}}, entry)
        return (Edge(made, "yes"),), (Edge(made, "no"),)

    def _asked(self, name: str, question: str, entry: Edges) -> tuple[Edges, Edges]:
        made = self._question(name, question, entry)
        return (Edge(made, "approved"),), (Edge(made, "rejected"),)

    def _outcome_of(self, variable: str | None) -> str | None:
        """Give the step of ours whose outcome a variable holds."""
        found = _OUTCOME.match(variable or "")
        return self._ours.get(found[1]) if found is not None else None

    def _outcomes(self, name: str) -> tuple[str, ...]:
        action = self._catalogue.find(str(self._made[name].get("action")))
        if action is None:
            return ()
        ways = self._made[name].get("with", {}).get(action.branches, ()) if action.branches else ()
        return (*action.outcomes, *(ways if isinstance(ways, dict) else ()))

    # --- small things ----------------------------------------------------------------------------------------------

    def _question(self, name: str, text: str, entry: Edges, *, patience: int | None = None) -> str:
        made = self._name(name)
        cut = (
            text
            if len(text) <= _LONGEST_QUESTION
            else f"{text[:_LONGEST_QUESTION]} … (the whole is in the step's note)"
        )
        values = {"question": conditions.said(cut, self._known), "timeout": length(patience or _PATIENCE)}
        content: dict[str, Any] = {"action": "logic.approval", "with": values}
        if cut != text:
            content["note"] = text
        self._add(made, content, entry)
        return made

    def _add(self, name: str, content: dict[str, Any], entry: Edges, *, join: str = "any") -> None:
        if len(self._made) >= MOST_STEPS:
            raise Invalid(
                f"This workflow becomes more than {MOST_STEPS} steps.", advice="Split it into several playbooks."
            )
        if entry:
            content["after"] = [str(edge) for edge in entry]
        if len(entry) > 1 and join == "any":
            content["join"] = "any"
        self._made[name] = content

    def _name(self, text: str) -> str:
        """Make a name for a step that no other has."""
        plain = text if re.match(NAME, text) else re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")[:50] or "step"
        if plain[0].isdigit():
            plain = f"step_{plain}"
        number, name = 1, plain
        while name in self._made:
            number += 1
            name = f"{plain[:58]}_{number}"
        return name

    def _leave(self, reason: str, *path: str | int) -> None:
        self._left[LeftOut(pointer(*path), reason)] = None

    def _remark(self, step_id: str, step: Step) -> None:
        at = ("workflow", step_id)
        for name in step.unknown:
            self._leave("CACAO 2.0 knows no such property.", *at, name)
        for name in step.step_variables:
            self._leave("Variables of a step are not carried.", *at, "step_variables", name)
        if step.owner is not None:
            self._leave("Steps of ours have no owner.", *at, "owner")
        for number, _ in enumerate(step.external_references):
            self._leave("References of a step are not carried.", *at, "external_references", number)
        for extension in step.step_extensions or ():
            if extension != EXTENSION:
                self._leave("The extension is not known.", *at, "step_extensions", extension)
        if step.on_failure is not None and not isinstance(step, Action | PlaybookAction):
            self._leave("A failure inside its branches does not lead here.", *at, "on_failure")
        if step.timeout is not None and not isinstance(step, Action | PlaybookAction):
            self._leave("A time limit on branches is not carried.", *at, "timeout")


def _nothing(note: str) -> dict[str, Any]:
    return {"action": "logic.set", "with": {"values": {}}, "note": note}
