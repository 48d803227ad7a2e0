"""What of an alert a playbook cannot do without: Defender may show a new alert before its machine or its evidence. Pure.

The rule is that of the written word: a playbook needs the machine if its trigger's `where` or any of its steps names
`machineId` or `computerDnsName`, and the evidence if they name `evidence`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ringfence.playbooks.model import DefenderAlertTrigger, Playbook

MACHINE: Final = "machine"
EVIDENCE: Final = "evidence"
_NAMED: Final = {
    MACHINE: re.compile(r"\b(?:machineId|computerDnsName)\b"),
    EVIDENCE: re.compile(r"\bevidence\b"),
}
_FIELDS: Final = {MACHINE: "machineId", EVIDENCE: "evidence"}


def needs(playbook: Playbook) -> frozenset[str]:
    """Return what a playbook needs of an alert."""
    texts = list(_texts([step.model_dump() for step in playbook.steps.values()]))
    if isinstance(playbook.trigger, DefenderAlertTrigger):
        texts.append(playbook.trigger.where or "")
    return frozenset(need for need, named in _NAMED.items() if any(named.search(text) for text in texts))


def missing(needed: frozenset[str], alert: Mapping[str, Any]) -> list[str]:
    """Return what of it an alert, in the form of Defender, does not have yet."""
    return sorted(need for need in needed if not alert.get(_FIELDS[need]))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
