"""Take a CACAO document as a playbook of ours: its text, to be looked at and published by a person, and what is left out.

A document of our own that nobody has changed gives back the very text that it was written from. Of any other, the workflow
becomes steps: what Ringfence itself wrote into a step is taken back, and every other command asks a person to do it by hand
and waits for the answer. Nothing that a foreign document says is carried out.
"""

from dataclasses import dataclass
from typing import Any, Final

from pydantic import ValidationError

from ringfence.errors import Invalid
from ringfence.playbooks import document
from ringfence.playbooks.cacao import reading
from ringfence.playbooks.cacao.conditions import escaped, places, plain_name
from ringfence.playbooks.cacao.leaving import EXTENSION, LeftOut
from ringfence.playbooks.cacao.reading import NotCacao, known_extension, pointer
from ringfence.playbooks.cacao.rules import Playbook as Foreign
from ringfence.playbooks.cacao.rules import Reference
from ringfence.playbooks.cacao.workflow import Workflow
from ringfence.playbooks.cacao.writing import Origin, write
from ringfence.playbooks.model import Catalogue, Playbook

_LONGEST_NAME: Final = 200
_WITHOUT_A_FIELD: Final = frozenset(
    {
        "playbook_types",
        "playbook_activities",
        "industry_sectors",
        "labels",
        "priority",
        "severity",
        "impact",
        "derived_from",
        "related_to",
        "valid_from",
        "valid_until",
        "signatures",
        "authentication_info_definitions",
    }
)

_DERIVED: Final = frozenset({"playbook_types", "playbook_activities", "labels"})


@dataclass(frozen=True, slots=True)
class Taken:
    """A playbook's text made of a CACAO document; `whole` says that it is the very text that was once written as such.

    `carried_out` are the steps that Ringfence itself would do, with their actions; `by_hand` those that ask a person.
    """

    name: str
    source: str
    whole: bool
    carried_out: tuple[tuple[str, str], ...]
    by_hand: tuple[str, ...]
    left_out: tuple[LeftOut, ...]


def take(text: str, catalogue: Catalogue) -> Taken:
    """Take a document; Invalid, with each fault and its JSON pointer, if it is no CACAO 2.0 playbook."""
    try:
        found = reading.read(text)
    except NotCacao as error:
        raise Invalid(
            "This is not a CACAO 2.0 playbook.",
            advice="Correct what `problems` says; each line begins with the JSON pointer of its place.",
            problems=tuple(fault.render() for fault in error.faults),
        ) from None
    source = _ours(found, catalogue)
    if source is not None:
        playbook = document.read(source).playbook
        assert playbook is not None
        steps = tuple((name, step.action) for name, step in playbook.steps.items())
        return Taken(playbook.name, source, True, steps, (), ())
    return _Taker(found.playbook, catalogue).take()


def _ours(found: reading.Read, catalogue: Catalogue) -> str | None:
    """Give the text of ours that a document was written from, if it still says what that text says."""
    source = known_extension(found.playbook.playbook_extensions, EXTENSION).get("source")
    if not isinstance(source, str) or document.read(source).playbook is None:
        return None
    foreign = found.playbook
    level = next((each.tlpv2_level for each in foreign.data_marking_definitions.values()), None)
    origin = Origin(foreign.id, foreign.created_by, foreign.created, foreign.modified, level)
    try:
        again = write(source, catalogue, origin)
    except Invalid:
        return None
    return source if again.document == found.raw else None


class _Taker:
    def __init__(self, foreign: Foreign, catalogue: Catalogue) -> None:
        self._foreign = foreign
        self._catalogue = catalogue
        self._left: list[LeftOut] = []

    def take(self) -> Taken:
        foreign = self._foreign
        known = places(foreign.playbook_variables)
        workflow = Workflow(foreign, self._catalogue, known)
        steps = self._constants(known)
        steps |= workflow.steps(after=("variables",) if steps else ())
        self._remark()
        inputs = self._inputs(known, workflow)
        name = " ".join("".join(each if each.isprintable() else " " for each in foreign.name).split())[:_LONGEST_NAME]
        content: dict[str, Any] = {
            "ringfence": 1,
            "kind": "playbook",
            "name": name.strip() or "Imported playbook",
            "description": self._description(),
            "trigger": {"type": "manual"} | ({"inputs": inputs} if inputs else {}),
            "steps": steps,
        }
        if not steps:
            raise Invalid("This CACAO playbook has no step that does anything.", advice="Add an action step to it.")
        try:
            playbook = Playbook.model_validate(content)
        except ValidationError as error:
            lines = tuple(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise Invalid("This CACAO playbook cannot be written as one of ours.", problems=lines[:20]) from None
        head = (
            f"# Taken from the CACAO 2.0 playbook {foreign.id}, modified {foreign.modified}.\n"
            "# Look at every step before you publish it; what asks a person stands for a command that is not carried out.\n"
        )
        left_out = tuple(sorted((*self._left, *workflow.left_out), key=lambda each: each.place))
        return Taken(
            playbook.name, head + document.dump(playbook), False, workflow.carried_out, workflow.by_hand, left_out
        )

    def _constants(self, known: dict[str, str]) -> dict[str, Any]:
        values = {
            plain: escaped(variable.value)
            for name, variable in self._foreign.playbook_variables.items()
            if known.get(name, "").startswith("steps.")
            and (plain := plain_name(name)) is not None
            and isinstance(variable.value, str)
        }
        return {"variables": {"action": "logic.set", "with": {"values": values}}} if values else {}

    def _inputs(self, known: dict[str, str], workflow: Workflow) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, variable in self._foreign.playbook_variables.items():
            plain = plain_name(name)
            if plain is not None and variable.external:
                value = variable.value if isinstance(variable.value, str) else ""
                found[plain] = {"description": variable.description or "", "default": value, "required": not value}
            elif name not in known and not workflow.knows(name):
                why = "Its value would come from a command, and no command is carried out; where it matters, people are asked."
                self._left.append(LeftOut(pointer("playbook_variables", name), why))
        return found

    def _description(self) -> str:
        foreign = self._foreign
        lines = [foreign.description or ""]
        for number, marking_id in enumerate(foreign.markings or ()):
            marking = foreign.data_marking_definitions[marking_id]
            text = marking.tlpv2_level or marking.statement or marking.name
            if text:
                lines.append(f"Marking: {text}")
            else:
                self._left.append(
                    LeftOut(pointer("markings", number), "Its marking has no text that people could read.")
                )
        lines += [f"Reference: {referred(each)}" for each in foreign.external_references]
        return "\n".join(line for line in lines if line)

    def _remark(self) -> None:
        foreign = self._foreign
        # Of a document of ours these say nothing that its steps do not.
        derived = _DERIVED if EXTENSION in (foreign.playbook_extensions or {}) else frozenset()
        for name in foreign.model_fields_set:
            if name in _WITHOUT_A_FIELD - derived and getattr(foreign, name) not in (None, [], {}):
                self._left.append(LeftOut(pointer(name), "A playbook of ours has no field for it."))
        if foreign.revoked:
            self._left.append(LeftOut("/revoked", "Its creator has revoked it; think twice before you use it."))
        for name in foreign.unknown:
            self._left.append(LeftOut(pointer(name), "CACAO 2.0 knows no such property."))
        for extension in foreign.playbook_extensions or ():
            why = "It was changed after it was written; its steps were taken instead of the text in it."
            mine = extension == EXTENSION
            self._left.append(
                LeftOut(pointer("playbook_extensions", extension), why if mine else "The extension is not known.")
            )


def referred(reference: Reference) -> str:
    """Give an external reference as one line."""
    parts = (reference.name, reference.description, reference.source, reference.url, reference.external_id)
    return " · ".join(part for part in parts if part)
