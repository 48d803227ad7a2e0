"""What people are not shown of a rehearsal: fields that a playbook masks, and secrets that Ringfence knows."""

from collections.abc import Mapping
from dataclasses import replace

from ringfence.playbooks.masks import Masks
from ringfence.rehearsals.report import Report, StepReport
from ringfence.security.hiding import Hider


def hidden(report: Report, masks: Mapping[str, Masks], hide: Hider) -> Report:
    """Return a report without them; what a masked field held is hidden wherever else it stands."""
    held: list[str] = []
    for step in report.steps:
        own = masks.get(step.step, Masks())
        held += [*own.apply(step.input, "input")[1], *own.apply(step.output, "output")[1]]
    everywhere = hide.more(held)
    steps = tuple(_hidden(step, masks, everywhere) for step in report.steps)
    return replace(report, error=everywhere.text(report.error), steps=steps)


def _hidden(step: StepReport, masks: Mapping[str, Masks], hide: Hider) -> StepReport:
    own = masks.get(step.step, Masks())
    return replace(
        step,
        input=hide.value(own.apply(step.input, "input")[0]),
        output=hide.value(own.apply(step.output, "output")[0]),
        error=hide.text(step.error),
        said=tuple(hide.text(each) for each in step.said),
    )
