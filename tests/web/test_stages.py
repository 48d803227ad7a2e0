from dataclasses import replace

import pytest

from contoso import NOW, Contoso
from ringfence.containment import board
from ringfence.containment.model import State
from ringfence.storage import Database
from ringfence.web.stages import stages


@pytest.fixture
def rows(embedded: Database, contoso: Contoso) -> dict[str, board.Row]:
    return {row.state: row for row in embedded.read_now(lambda tx: board.listing(tx, contoso.organization_id)).rows}


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ("pending", ["done", "now", "ahead", "ahead"]),
        ("contained", ["done", "done", "now", "ahead"]),
        ("denied", ["stopped", "ahead", "ahead", "ahead"]),
        ("releasing", ["done", "done", "done", "now"]),
        ("withdrawn", ["done", "stopped", "ahead", "ahead"]),
        ("released", ["done", "done", "done", "done"]),
    ],
)
def test_stages_stand_where_the_containment_stands(rows: dict[str, board.Row], state: str, shown: list[str]) -> None:
    assert [stage.state for stage in stages(rows[state])] == shown


def test_submitted_accepted_and_confirmed_are_words_and_tones_of_their_own(rows: dict[str, board.Row]) -> None:
    moments = [moment for stage in stages(rows["contained"])[1:3] for moment in stage.moments]
    assert [moment.word for moment in moments] == ["Submitted", "Accepted by Defender", "Confirmed by Defender"]
    assert len({moment.tone for moment in moments}) == 3


def test_a_request_on_its_way_confirms_nothing(rows: dict[str, board.Row]) -> None:
    row = replace(rows["pending"], state=State.SUBMITTING, submitted_at=None, accepted_at=None)
    shown = stages(row)
    assert [stage.state for stage in shown] == ["done", "now", "ahead", "ahead"]
    assert [moment.at for moment in shown[2].moments] == [None]


def test_ends_are_told_apart(rows: dict[str, board.Row]) -> None:
    not_needed = stages(replace(rows["denied"], state=State.NOT_NEEDED))[0]
    assert (not_needed.state, not_needed.tone) == ("stopped", "done")
    failed = stages(replace(rows["releasing"], state=State.RELEASE_FAILED))[3]
    assert (failed.state, failed.tone) == ("stopped", "bad")
    outside = stages(replace(rows["contained"], state=State.SUPERSEDED, finished_at=NOW))[3]
    assert outside.moments[0].word == "Released outside Ringfence"
    assert stages(replace(rows["denied"], state=State.REQUESTED, decided_at=None))[0].state == "now"
