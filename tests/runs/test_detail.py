import json
from base64 import b64encode
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest
import sqlalchemy as sa

from contoso import NOW, Contoso, seed
from ringfence import clock
from ringfence.errors import NotFound
from ringfence.runs import detail, history
from ringfence.security.crypto import Vault
from ringfence.security.hiding import HIDDEN
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import accounts, playbook_versions, run_logs, runs, step_runs, wakes

VAULT = Vault(bytes(32))
SECRET = "canary~of/contoso+1"
PASSWORD = "correct-horse-7"


@pytest.fixture
def contoso(database: Database) -> Contoso:
    clock.replace(NOW.timestamp)
    return database.run_now(seed)


def test_one_run_comes_with_steps_in_order_and_its_log(database: Database, contoso: Contoso) -> None:
    def wait(tx: Transaction) -> None:
        row = {
            "topic": "containment:x",
            "run_id": contoso.live_run_id,
            "step": "wait",
            "iteration": 0,
            "after_change": 0,
        }
        tx.execute(sa.insert(wakes).values(row))

    database.run_now(wait)
    run = database.read_now(lambda tx: detail.get(tx, contoso.organization_id, contoso.live_run_id, VAULT))
    assert [step.step for step in run.steps] == [
        "facts", "machine", "known", "comment_unknown", "isolate", "comment_contained", "wait", "release",
    ]  # fmt: skip
    assert run.steps[1].output["onboarded"] is True
    assert run.steps[4].took == timedelta(seconds=38.77)
    assert run.steps[3].took is None
    assert run.steps[6].waits_for == ("containment:x",)
    assert run.lines[0].message == "jmespath.query started"
    assert not run.older_lines
    assert run.trigger["type"] == "defender.alert"


def test_of_a_long_log_the_newest_lines_are_given_and_it_is_said(database: Database, contoso: Contoso) -> None:
    def write(tx: Transaction) -> None:
        row = {"run_id": contoso.live_run_id, "at": NOW, "level": "info", "fields": {}}
        tx.execute(sa.insert(run_logs), [row | {"message": f"line {number}"} for number in range(600)])

    database.run_now(write)
    run = database.read_now(lambda tx: detail.get(tx, contoso.organization_id, contoso.live_run_id, VAULT))
    assert len(run.lines) == detail.LOG_LINES
    assert run.lines[-1].message == "line 599"
    assert run.older_lines


def spoil(tx: Transaction, contoso: Contoso, step: str, **values: Any) -> None:
    own = (step_runs.c.run_id == contoso.run_id) & (step_runs.c.step == step)
    tx.execute(sa.update(step_runs).where(own).values(values))


def read(database: Database, contoso: Contoso, *, whole: bool = False) -> detail.Detail:
    return database.read_now(lambda tx: detail.get(tx, contoso.organization_id, contoso.run_id, VAULT, whole=whole))


def step_of(found: detail.Detail, name: str) -> detail.Step:
    return next(step for step in found.steps if step.step == name)


def test_a_secret_of_the_organization_is_nowhere_in_a_run_however_it_came_there(
    database: Database, contoso: Contoso
) -> None:
    forms = [SECRET, b64encode(f"user:{SECRET}".encode()).decode(), quote(SECRET, safe="")]

    def put(tx: Transaction) -> None:
        account = tx.scalar(sa.select(accounts.c.id).where(accounts.c.organization_id == contoso.organization_id))
        sealed = VAULT.seal(contoso.organization_id, f"account-secret:{account}", SECRET)
        tx.execute(sa.update(accounts).where(accounts.c.id == account).values(secret_sealed=sealed))
        attempt = {"number": 1, "started_at": clock.iso(NOW), "finished_at": clock.iso(NOW), "error": forms[1]}
        spoil(
            tx,
            contoso,
            "machine",
            input={"a": forms},
            output={SECRET: forms},
            error=f"It was {SECRET}.",
            attempts=[attempt],
        )
        trigger = {"type": "webhook", "body": {"note": forms}}
        mine = runs.c.id == contoso.run_id
        tx.execute(sa.update(runs).where(mine).values(error=forms[2], trigger=trigger, cancel_reason=SECRET))
        line = {
            "run_id": contoso.run_id,
            "at": NOW,
            "level": "info",
            "message": f"got {SECRET}",
            "fields": {"x": forms},
        }
        tx.execute(sa.insert(run_logs).values(line))

    database.run_now(put)
    found = read(database, contoso)
    rows = database.read_now(lambda tx: history.listing(tx, contoso.organization_id, VAULT)).rows
    whole = database.read_now(
        lambda tx: detail.value(tx, contoso.organization_id, contoso.run_id, "machine", 0, "output", VAULT)
    )
    for shown in (str(found), str(rows), whole):
        assert HIDDEN in shown
        for form in forms:
            assert form not in shown
    assert step_of(found, "machine").attempts[0].took == timedelta(0)


def test_what_a_step_masks_is_hidden_there_and_wherever_else_it_stands(database: Database, contoso: Contoso) -> None:
    def put(tx: Transaction) -> None:
        version = tx.scalar(sa.select(runs.c.playbook_version_id).where(runs.c.id == contoso.run_id))
        source = (
            "ringfence: 1\nname: n\ntrigger: {type: manual}\nsteps:\n"
            "  machine: {action: a.b, mask: output.user.password}\n  known: {action: a.b, after: machine}\n"
        )
        tx.execute(sa.update(playbook_versions).where(playbook_versions.c.id == version).values(source=source))
        spoil(tx, contoso, "machine", output={"user": {"name": "megan", "password": PASSWORD}})
        spoil(tx, contoso, "known", input={"login": f"megan:{PASSWORD}"}, error=f"{PASSWORD} is wrong")
        tx.execute(sa.update(runs).where(runs.c.id == contoso.run_id).values(error=f"known: {PASSWORD} is wrong"))
        line = {"run_id": contoso.run_id, "at": NOW, "level": "info", "message": PASSWORD, "fields": {}}
        tx.execute(sa.insert(run_logs).values(line))

    database.run_now(put)
    found = read(database, contoso)
    assert step_of(found, "machine").output == {"user": {"name": "megan", "password": HIDDEN}}
    assert step_of(found, "machine").masked
    assert step_of(found, "known").input == {"login": f"megan:{HIDDEN}"}
    rows = database.read_now(lambda tx: history.listing(tx, contoso.organization_id, VAULT)).rows
    assert PASSWORD not in f"{found}{rows}"
    for step, side in (("machine", "output"), ("known", "input")):
        text = database.read_now(
            lambda tx, step=step, side=side: detail.value(  # type: ignore[misc]
                tx, contoso.organization_id, contoso.run_id, step, 0, side, VAULT
            )
        )
        assert PASSWORD not in text


def test_a_large_value_is_left_out_with_its_size_and_given_whole_on_demand(
    database: Database, contoso: Contoso
) -> None:
    value = ["x" * 1000] * 100
    database.run_now(lambda tx: spoil(tx, contoso, "machine", output=value))
    step = step_of(read(database, contoso), "machine")
    assert (step.output, step.cut) == (None, ("output",))
    assert step.output_size == len(json.dumps(value, separators=(",", ":")))
    assert step.input is not None
    assert step_of(read(database, contoso, whole=True), "machine").output == value
    text = database.read_now(
        lambda tx: detail.value(tx, contoso.organization_id, contoso.run_id, "machine", 0, "output", VAULT)
    )
    assert json.loads(text) == value
    with pytest.raises(NotFound):
        database.read_now(
            lambda tx: detail.value(tx, contoso.organization_id, contoso.run_id, "machine", 7, "output", VAULT)
        )


def test_of_very_many_items_those_that_failed_come_first(embedded: Database) -> None:
    clock.replace(NOW.timestamp)
    contoso = embedded.run_now(seed)

    def put(tx: Transaction) -> None:
        row = {"run_id": contoso.run_id, "step": "each", "position": 9, "action": "a.b", "attempt": 1, "error": ""}
        statuses = {700: "failed"}
        rows = [row | {"iteration": n, "status": statuses.get(n, "succeeded")} for n in range(1, 801)]
        tx.execute(sa.insert(step_runs), rows)

    embedded.run_now(put)
    found = read(embedded, contoso)
    items = [step for step in found.steps if step.step == "each"]
    assert len(found.steps) == detail.STEPS
    assert found.step_count == 800 + len(found.steps) - len(items)
    assert [step.iteration for step in items if step.status == "failed"] == [700]
    assert len(read(embedded, contoso, whole=True).steps) == found.step_count


def test_a_run_names_those_that_did_it_again(database: Database, contoso: Contoso) -> None:
    mine = runs.c.id == contoso.live_run_id
    again = {"rerun_of": contoso.run_id, "rerun_from": ["machine"]}
    database.run_now(lambda tx: tx.execute(sa.update(runs).where(mine).values(again)))
    assert [(each.id, each.status, each.rerun_from) for each in read(database, contoso).again] == [
        (contoso.live_run_id, "waiting", ["machine"])
    ]
