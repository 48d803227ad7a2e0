"""What can be done beside isolation, by which operation, how it is taken back, and which line of policy speaks of it. Pure.

What cannot be taken back says so before anybody approves it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ringfence.defender.wire import ActionType


class Kind(StrEnum):
    """What is done."""

    RESTRICT = "restrict_app_execution"
    QUARANTINE = "stop_and_quarantine_file"
    OFFBOARD = "offboard"
    SCAN = "antivirus_scan"
    PACKAGE = "investigation_package"
    INDICATORS = "indicators"


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a kind: `noun` in the middle of a sentence, `question` to people, `undo` as they are told it.

    `guard` and `limit` are lines of policy under `responses`. `harms`: protected hosts are spared it. `people` who must say
    yes at least, whatever policy says; 0 where policy may let it pass.
    """

    noun: str
    question: str
    undo: str
    guard: str
    limit: str
    operation: str = ""
    type: ActionType | None = None
    undo_operation: str = ""
    undo_type: ActionType | None = None
    harms: bool = False
    undoable: bool = False
    people: int = 0


TRAITS: Final[dict[Kind, Traits]] = {
    Kind.RESTRICT: Traits(
        noun="the app restriction",
        question="Let only programs signed by Microsoft run on {host}?",
        undo="Undo: the restriction is lifted, by a person, the playbook or a timer, and Defender confirms it.",
        guard="restrict",
        limit="max_per_hour",
        operation="restrict_code_execution",
        type=ActionType.RESTRICT_CODE_EXECUTION,
        undo_operation="unrestrict_code_execution",
        undo_type=ActionType.UNRESTRICT_CODE_EXECUTION,
        harms=True,
        undoable=True,
    ),
    Kind.QUARANTINE: Traits(
        noun="the quarantine of the file",
        question="Stop and quarantine the file {what} on {host}?",
        undo="No undo: Microsoft's API does not give a file back; it is restored on the machine or in Defender's portal.",
        guard="quarantine",
        limit="max_per_hour",
        operation="stop_and_quarantine_file",
        type=ActionType.STOP_AND_QUARANTINE_FILE,
        harms=True,
    ),
    Kind.OFFBOARD: Traits(
        noun="the offboarding",
        question="Take {host} out of Defender, for good?",
        undo="No undo: Defender no longer sees the machine nor can isolate it; it is onboarded again only on the machine itself.",
        guard="offboard",
        limit="max_per_hour",
        operation="offboard_machine",
        type=ActionType.OFFBOARD,
        harms=True,
        people=2,
    ),
    Kind.SCAN: Traits(
        noun="the antivirus scan",
        question="Run a {what} antivirus scan on {host}?",
        undo="Nothing to undo: a scan that goes on can be cancelled; what it removes, Defender keeps in its quarantine.",
        guard="scan",
        limit="max_light_per_hour",
        operation="run_av_scan",
        type=ActionType.RUN_ANTIVIRUS_SCAN,
    ),
    Kind.PACKAGE: Traits(
        noun="the investigation package",
        question="Collect an investigation package from {host}?",
        undo="Nothing to undo: the machine is read, not changed; a collection that goes on can be cancelled.",
        guard="package",
        limit="max_light_per_hour",
        operation="collect_investigation_package",
        type=ActionType.COLLECT_INVESTIGATION_PACKAGE,
    ),
    Kind.INDICATORS: Traits(
        noun="the indicators",
        question="Let Defender {what}?",
        undo="Undo: the indicators that this made are deleted, and no others.",
        guard="indicators",
        limit="max_indicators_per_hour",
        operation="import_indicators",
        undo_operation="batch_delete_indicators",
        undoable=True,
    ),
}
