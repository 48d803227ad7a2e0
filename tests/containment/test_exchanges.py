import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from containment_rows import MACHINE, rows_in
from containment_world import World
from ringfence.containment import exchanges
from ringfence.containment.exchanges import Kept
from ringfence.containment.model import Containment, State
from ringfence.defender.witness import Exchange, current_witness
from ringfence.storage import Database

HOST = "wks-001"


def _met(number: int = 1, *, method: str = "GET", reply: bytes = b"{}", request: bytes = b"") -> Exchange:
    return Exchange(
        at=datetime(2026, 7, 1, tzinfo=UTC) + timedelta(seconds=number),
        operation="get_machine",
        method=method,
        url="https://api.contoso.example/api/machines/1",
        attempt=1,
        status=200,
        elapsed=0.1,
        request_id=f"request-{number}",
        correlation_id="",
        error="",
        request=request,
        reply=reply,
    )


def _kept(database: Database, containment: Containment) -> list[Kept]:
    return database.read_now(lambda tx: exchanges.of(tx, containment.id))


async def test_a_containment_keeps_every_request_and_reply_until_it_is_released(world: World) -> None:
    asked = world.request(HOST)
    await world.settle(asked, State.CONTAINED)
    world.let_go(asked)
    await world.settle(asked, State.RELEASED)
    kept = _kept(world.database, asked)
    isolate = next(each for each in kept if each.operation == "isolate_machine")
    assert (isolate.method, isolate.status, isolate.outcome) == ("POST", 201, "201")
    assert json.loads(isolate.request_body)["IsolationType"] == "Full"
    assert json.loads(isolate.reply_body)["status"] == "Pending"
    assert isolate.request_id
    assert sum(each.method == "POST" for each in kept) == len(world.sent("isolate_machine")) + len(
        world.sent("unisolate_machine")
    )
    confirming = [each for each in kept if '"Succeeded"' in each.reply_body and "machineaction" in each.url.lower()]
    assert confirming
    everything = json.dumps([each.url + each.request_body + each.reply_body for each in kept])
    assert "Bearer" not in everything
    assert world.app.secrets[0].value not in everything


async def test_a_list_that_tells_of_many_keeps_for_each_what_is_about_its_own_machine(database: Database) -> None:
    rows = rows_in(database)
    one, other = rows.request(), rows.request("b" * 40)
    items = [{"machineId": MACHINE, "id": "1"}, {"machineId": "b" * 40, "id": "2"}, {"machineId": "c" * 40}, 7]
    met = _met(reply=json.dumps({"value": items}).encode())
    await exchanges.record(database, [one, other], [met])
    document = json.loads(_kept(database, other)[0].reply_body)
    assert document == {"value": [items[1]], "leftOutOfThisRecord": 3}
    await exchanges.record(database, [one, other], [met, _met(2, reply=b"nonsense")])
    assert [each.reply_body for each in _kept(database, one)][1:] == ["nonsense"]


async def test_bodies_are_cut_and_what_looks_like_a_secret_is_replaced(database: Database) -> None:
    asked = rows_in(database).request()
    secret = {"client_secret": "hunter2", "note": "Bearer abc.def", "text": "a\x00" + "x" * 100}
    met = _met(request=json.dumps(secret).encode(), reply=b"\xff Bearer abc.def")
    await exchanges.record(database, [asked], [met], largest=120)
    (kept,) = _kept(database, asked)
    assert "hunter2" not in kept.request_body
    assert "abc.def" not in kept.request_body + kept.reply_body
    assert kept.request_body.endswith("… (cut)")
    assert (kept.request_size, kept.reply_size) == (len(met.request), len(met.reply))


async def test_of_very_many_the_oldest_looks_are_forgotten_and_no_act(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = rows_in(database).request()
    monkeypatch.setattr(exchanges, "MOST", 5)
    await exchanges.record(database, [asked], [_met(0, method="POST"), *[_met(each) for each in range(1, 9)]])
    assert [each.request_id for each in _kept(database, asked)] == [
        "request-0",
        *[f"request-{number}" for number in range(5, 9)],
    ]


async def test_a_request_without_a_reply_is_kept_with_the_reason(database: Database) -> None:
    asked = rows_in(database).request()

    async def lose_it() -> None:
        async with exchanges.recorded(database, asked):
            witness = current_witness()
            assert witness is not None
            witness(replace(_met(), status=None, error="ReplyLost", reply=b""))
            raise RuntimeError("the reply was lost")

    with pytest.raises(RuntimeError):
        await lose_it()
    (kept,) = _kept(database, asked)
    assert kept.outcome == "no reply (ReplyLost)"


async def test_what_cannot_be_kept_is_logged_and_stops_nothing(database: Database) -> None:
    asked = rows_in(database).request()
    database.run_now(lambda tx: tx.execute(sa.text("ALTER TABLE containment_exchanges RENAME TO gone")))
    with capture_logs() as logged:
        await exchanges.record(database, [asked], [_met()])
    assert [line["event"] for line in logged] == ["the exchanges of a containment could not be kept"]


async def test_exchanges_are_forgotten_long_after_their_containment_is_over(database: Database) -> None:
    rows = rows_in(database)
    over = rows.request()
    rows.move(rows.claim()[0], State.DENIED)
    live = rows.request("b" * 40)
    for each in (over, live):
        await exchanges.record(database, [each], [_met()])
    rows.time += 86_400
    assert database.run_now(lambda tx: exchanges.forget(tx, older_than=timedelta(days=2))) == 0
    rows.time += 86_400 * 2
    assert database.run_now(lambda tx: exchanges.forget(tx, older_than=timedelta(days=2))) == 1
    assert _kept(database, live)
