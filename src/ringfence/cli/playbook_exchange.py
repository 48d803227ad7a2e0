"""Playbooks as OASIS CACAO 2.0 documents on the command line: written, taken, and what is left out told."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ringfence.actions.catalogue import discover
from ringfence.cli.terminal import hint, say
from ringfence.cli.visible import visible
from ringfence.clock import iso
from ringfence.errors import Invalid
from ringfence.playbooks.cacao.leaving import LeftOut
from ringfence.playbooks.cacao.taking import Taken, take
from ringfence.playbooks.cacao.writing import Origin, write
from ringfence.playbooks.model import Catalogue

if TYPE_CHECKING:
    from ringfence.playbooks.library import StoredPlaybook

Format = Annotated[Literal["yaml", "cacao"], typer.Option("--format", help="yaml, or cacao for OASIS CACAO 2.0 JSON.")]


def as_cacao(
    stored: "StoredPlaybook", source: str, catalogue: Catalogue, level: str | None
) -> tuple[str, tuple[LeftOut, ...]]:
    """Give a published playbook as a CACAO document, and what is left out of it."""
    origin = Origin.of(stored.id, stored.organization_id, iso(stored.created_at), iso(stored.published_at), level)
    made = write(source, catalogue, origin)
    return json.dumps(made.document, indent=2, ensure_ascii=False) + "\n", made.left_out


def from_cacao(file: str, text: str) -> Taken:
    """Take a CACAO document; Invalid, with the file's name before each problem, if it is none."""
    try:
        return take(text, discover())
    except Invalid as error:
        name = Path(file).name
        problems = tuple(f"{name}#{problem}" for problem in error.problems)
        raise Invalid(f"{name}: {error.message}", advice=error.advice, problems=problems) from None


def told(taken: Taken) -> dict[str, Any]:
    """Return what became of a CACAO document as JSON."""
    return {
        "whole": taken.whole,
        "carried_out": [{"step": step, "action": action} for step, action in taken.carried_out],
        "by_hand": list(taken.by_hand),
        "left_out": [each.to_json() for each in taken.left_out],
    }


def tell_taken(taken: Taken) -> None:
    """Say what became of a CACAO document."""
    if taken.whole:
        hint("Ringfence wrote it, and nobody has changed it: it is taken as it was.")
    for step, action in taken.carried_out:
        say(f"  {step}: Ringfence would do {action}")
    for step in taken.by_hand:
        say(f"  {step}: a person is asked to do it")
    tell_left_out(taken.left_out)


def tell_left_out(left_out: Sequence[LeftOut]) -> None:
    """Say what could not be carried, on stderr."""
    for each in left_out:
        hint(f"  not carried: {visible(each.place)}: {visible(each.reason)}")
