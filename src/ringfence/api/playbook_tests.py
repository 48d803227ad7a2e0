"""/api/v1/playbooks/test: the tests that a playbook brings along, for a CI system without a Ringfence of its own."""

import asyncio

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from ringfence.actions.catalogue import discover
from ringfence.api.access import Author
from ringfence.api.rehearsals import RehearsedRun
from ringfence.playbooks.library import MAX_SOURCE
from ringfence.playbooks.mocks import Case, cases_of
from ringfence.rehearsals.cases import CaseResult, play
from ringfence.rehearsals.desk import made_ready
from ringfence.rehearsals.piece import Piece
from ringfence.security.access import needs
from ringfence.security.rbac import Permission
from ringfence.storage import Database


class TestsToRun(BaseModel):
    """A playbook with its `tests`; `only` those with this in their name."""

    model_config = ConfigDict(extra="forbid")

    source: str = Field(max_length=MAX_SOURCE, description="The playbook, as YAML.")
    only: str = Field("", max_length=200)


class TestDifference(BaseModel):
    """One thing that was not as expected: `what` it is about, and both sides as texts."""

    model_config = ConfigDict(from_attributes=True)

    what: str
    expected: str
    got: str


class TestResult(BaseModel):
    """How one test ended; `undecided` says what kept it from being decided, which is no pass."""

    model_config = ConfigDict(from_attributes=True)

    name: str
    number: int
    passed: bool
    undecided: str
    differences: list[TestDifference]
    report: RehearsedRun | None


class TestResults(BaseModel):
    """How the tests of a playbook ended."""

    playbook: str
    passed: int
    failed: int
    tests: list[TestResult]


def routes(database: Database) -> APIRouter:
    """Return the routes of this noun."""
    router = APIRouter(prefix="/playbooks", tags=["playbooks"], dependencies=[needs(Permission.PLAYBOOK_REHEARSE)])
    catalogue = discover()

    @router.post("/test")
    async def test(author: Author, body: TestsToRun) -> TestResults:
        """Carry out the tests that a playbook brings along. Nothing is reached, waits pass at once, and nothing is stored.

        Components are those that the organization has published.
        """
        piece, _ = await database.read(lambda tx: made_ready(tx, author.organization_id, body.source, catalogue))
        wanted = body.only.casefold()
        cases = [each for each in enumerate(cases_of(piece.playbook), 1) if wanted in each[1].name.casefold()]
        # It computes and waits for nothing: other requests go on meanwhile.
        found = await asyncio.to_thread(lambda: asyncio.run(_all(piece, cases)))
        passed = sum(each.passed for each in found)
        return TestResults(
            playbook=piece.playbook.name,
            passed=passed,
            failed=len(found) - passed,
            tests=[TestResult.model_validate(each) for each in found],
        )

    return router


async def _all(piece: Piece, cases: list[tuple[int, Case]]) -> list[CaseResult]:
    return [await play(piece, case, number) for number, case in cases]
