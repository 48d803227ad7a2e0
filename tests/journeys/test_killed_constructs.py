"""`kill -9` at the commits of a run that has every construct of the language: restarted, it ends the same, nothing doubled.

Some commits each time, all of them with RINGFENCE_TEST_EVERY_COMMIT=1.
"""

import asyncio
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from journey_processes import WorkerProcess
from ringfence.app import App
from ringfence.approvals import service as approvals
from ringfence.listeners.people import Starter, Wish
from ringfence.outbound import destinations
from ringfence.playbooks import library
from ringfence.settings import Settings
from ringfence.storage import Transaction
from ringfence.storage.tables import incident_notes, incidents, runs, step_runs

INNER = """\
ringfence: 1
kind: component
name: Inner
inputs: {text: {type: string}}
steps:
  note: {action: incident.note, with: {text: "${inputs.text}"}}
  pause: {after: note, action: logic.delay, with: {duration: 300 ms}}
"""
SHAKY = """\
ringfence: 1
kind: component
name: Shaky
inputs: {text: {type: string}}
steps:
  each: {for_each: [a, b], action: incident.note, with: {text: "${inputs.text} ${item}"}}
  gone: {after: each.done, action: http.request, with: {method: GET, url: "http://127.0.0.1:9/"}}
"""
TEXT = """\
ringfence: 1
kind: playbook
name: Everything
trigger: {type: manual}
steps:
  make: {action: incident.create, with: {title: Killed}}
  left: {after: make, action: incident.note, with: {text: left}}
  right: {after: make, action: incident.note, with: {text: right}}
  both: {after: [left, right], action: logic.condition, with: {test: "`true`"}}
  no: {after: both.no, action: incident.note, with: {text: never}}
  off: {after: both.yes, if: "`false`", action: incident.note, with: {text: never}}
  items: {after: both.yes, for_each: [1, 2, 3], parallel: 2, action: incident.note, with: {text: "item ${item}"}}
  more: {after: items.each, action: incident.note, with: {text: "after item ${item}"}}
  inner: {after: items.done, action: playbook.call, with: {component: Inner, inputs: {text: inner}}}
  shaky:
    after: inner
    for_each: [x, y]
    action: playbook.call
    with: {component: Shaky, inputs: {text: "${item}"}}
    retry: {attempts: 2, backoff: 100 ms}
    on_error: fails
  fails:
    action: http.request
    with: {method: GET, url: "http://127.0.0.1:9/"}
    retry: {attempts: 2, backoff: 300 ms}
    on_error: rescue
  rescue: {action: incident.note, with: {text: rescued}}
  ask: {after: rescue, action: logic.approval, with: {question: Go on?, timeout: 1 h}}
  last: {after: ask.approved, action: incident.note, with: {text: last}}
  end: {after: last, action: logic.stop, with: {status: succeeded, reason: Done}}
"""
NOTES = [
    "left",
    "right",
    *(f"{when}item {n}" for n in (1, 2, 3) for when in ("", "after ")),
    "inner",
    # In each of two tries of two calls.
    *[f"{outer} {item}" for outer in "xy" for item in "ab"] * 2,
    "rescued",
    "last",
]
CHOSEN = (4, 10, 17, 30)
PATIENCE = 300.0
MOST = 200
OPEN = ("requested", "running", "waiting")


class Place:
    """An installation in a folder, and workers that are processes of their own."""

    def __init__(self, folder: Path) -> None:
        values: dict[str, Any] = {
            "data": folder,
            "sweep_interval": 0.3,
            "lease": 2.0,
            "dead_after": 1.0,
            "log_level": "info",
            "egress_private": "127.0.0.1",
        }
        self.app = App.open(Settings(**values))
        self.organization = self.app.organization().id
        self.environment = os.environ | {f"RINGFENCE_{name.upper()}": str(value) for name, value in values.items()}
        self.log = folder / "workers.log"
        self.log.touch()
        # Nothing listens on the port of discard, so that what is refused there may be tried again.
        self.app.database.run_now(lambda tx: destinations.allow(tx, self.organization, "127.0.0.1", "", by="ada"))
        for text in (INNER, SHAKY, TEXT):
            self.app.database.run_now(
                lambda tx, text=text: library.publish(tx, self.organization, text, "ada", catalogue=self.app.catalogue)  # type: ignore[misc]
            )
        self.run = self.app.database.run_now(
            lambda tx: Starter().begin(tx, self.organization, Wish("Everything", "ada"))
        ).run_id

    def work(self, crash: dict[str, Any]) -> WorkerProcess:
        return WorkerProcess(self.environment, crash, self.log)

    def status(self, tx: Transaction) -> str:
        return str(tx.scalar(sa.select(runs.c.status).where(runs.c.id == self.run)))

    def answer(self, tx: Transaction) -> None:
        for asked in approvals.listed(tx, self.organization):
            approvals.answer(tx, asked.id, organization_id=self.organization, by="mara", yes=True, via="page")

    async def until_over(self, worker: WorkerProcess) -> bool:
        """Wait until the run is over, and answer what people are asked; False if the worker ended before."""
        async with asyncio.timeout(PATIENCE):
            while True:
                await self.app.database.run(self.answer)
                if await self.app.database.read(self.status) not in OPEN:
                    return True
                if worker.ended():
                    return False
                # What another process does can only be looked at.
                await asyncio.sleep(0.05)

    async def carry(self, commit: int) -> bool:
        """Carry the run with a worker that dies at a commit, and with a second one if it did; returns whether it did."""
        worker = self.work({"commit": commit})
        died = not await self.until_over(worker)
        if died:
            assert worker.wait(PATIENCE) == -9, self.log.read_text()[-4_000:]
            worker = self.work({})
            assert await self.until_over(worker), self.log.read_text()[-4_000:]
        worker.kill()
        worker.wait(PATIENCE)
        return died

    def check(self, tx: Transaction) -> None:
        """Demand that everything happened, and nothing twice."""
        run = tx.one(sa.select(runs).where(runs.c.id == self.run))
        assert run is not None
        rows = tx.all(sa.select(step_runs).where(step_runs.c.run_id == self.run))
        said = {(row["step"], row["iteration"]): (row["status"], row["error"]) for row in rows}
        assert (run["status"], run["error"]) == ("succeeded", "Done"), said
        assert Counter(row["text"] for row in tx.all(sa.select(incident_notes))) == Counter(NOTES)
        assert tx.scalar(sa.select(sa.func.count()).select_from(incidents)) == 1
        assert said["fails", 0][0] == "failed"
        assert {said[name, 0][0] for name in ("no", "off")} == {"skipped"}
        assert [row["attempt"] for row in rows if row["step"] == "fails"] == [2]


async def killed_at(folder: Path, commit: int) -> bool:
    place = Place(folder)
    try:
        died = await place.carry(commit)
        place.app.database.read_now(place.check)
        return died
    finally:
        place.app.close()


@pytest.mark.skipif("RINGFENCE_TEST_EVERY_COMMIT" in os.environ, reason="All of them are tried instead.")
@pytest.mark.timeout(900)
async def test_killed_at_some_commits_a_run_of_all_constructs_ends_the_same_with_nothing_doubled(
    tmp_path: Path,
) -> None:
    for commit in CHOSEN:
        assert await killed_at(tmp_path / str(commit), commit), commit


@pytest.mark.skipif("RINGFENCE_TEST_EVERY_COMMIT" not in os.environ, reason="Some are tried instead.")
@pytest.mark.timeout(3_600)
async def test_killed_at_any_commit_a_run_of_all_constructs_ends_the_same_with_nothing_doubled(tmp_path: Path) -> None:
    for commit in range(1, MOST):
        if not await killed_at(tmp_path / str(commit), commit):
            assert commit > max(CHOSEN)
            return
    raise AssertionError(f"The run has more than {MOST} commits.")
