"""Whatever is wrong outside: a clear sentence, nothing stored is lost, and the journey ends well once it is mended."""

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from journey import Journey, ended, journey, names
from ringfence.simulator import SimulatorControl
from ringfence.storage import Transaction
from ringfence.storage.tables import accounts, alerts, containments, rejected_alerts, runs, trigger_services


def _account(tx: Transaction) -> sa.RowMapping:
    row = tx.one(sa.select(accounts))
    assert row is not None
    return row


def _state(name: str) -> Callable[[Transaction], bool]:
    return lambda tx: bool(_account(tx)["state"] == name)


async def _contained_once(trip: Journey, host: str) -> None:
    machine = trip.machine(host)
    assert await trip.asked("isolate_machine") == [machine]
    assert await trip.asked("unisolate_machine") == [machine]


async def test_a_secret_that_is_removed_stops_everything_until_it_is_back(tmp_path: Path) -> None:
    async with journey(tmp_path / "data", dead_after=300) as trip:
        tenant = next(iter(trip.simulator.simulator.tenants.values()))
        application = next(iter(tenant.apps.values()))
        kept = application.secrets[0]
        await trip.control.remove_secret(application.client_id, kept.id)
        trip.start_worker()
        await trip.until(_state("failed"))
        reason = (await trip.app.database.read(_account))["state_reason"]
        assert "secret" in reason
        assert "Enter the secret's VALUE" in reason
        host = names(trip, 1)[0]
        await trip.alert(host)
        await trip.control.add_secret(application.client_id, value=kept.value)
        await trip.until(ended(1))
        assert (await trip.app.database.read(_account))["state"] == "healthy"
        await _contained_once(trip, host)


async def test_a_role_that_is_taken_away_is_named_and_the_alert_is_not_lost(tmp_path: Path) -> None:
    async with journey(tmp_path / "data") as trip:
        tenant = next(iter(trip.simulator.simulator.tenants.values()))
        application = next(iter(tenant.apps.values()))
        roles = [role for role in application.roles if role != "Machine.Isolate"]
        await trip.control.edit_app(application.client_id, roles=roles)
        trip.start_worker()
        host = names(trip, 1)[0]
        await trip.alert(host)

        def failed(tx: Transaction) -> bool:
            states = tx.scalar(sa.select(containments.c.state)), tx.scalar(sa.select(runs.c.status))
            return states == ("failed", "partly_failed")

        await trip.until(failed)
        detail = await trip.app.database.read(lambda tx: tx.scalar(sa.select(containments.c.detail)))
        assert "Machine.Isolate" in detail
        assert "admin consent" in detail
        assert await trip.app.database.read(lambda tx: tx.scalar(sa.select(alerts.c.machine_name))) == host


async def test_malformed_alerts_are_set_aside_with_the_reason_and_the_others_go_on(tmp_path: Path) -> None:
    async with journey(tmp_path / "data") as trip:
        host = names(trip, 1)[0]
        await trip.control.inject_document({"id": 17, "title": ["no", "text"], "lastUpdateTime": "yesterday"})
        await trip.control.inject_document({"title": "no id", "machineId": {"not": "text"}})
        await trip.alert(host)
        trip.start_worker()
        await trip.until(ended(1))
        rejected = await trip.app.database.read(lambda tx: tx.all(sa.select(rejected_alerts)))
        assert rejected
        assert all(row["reason"] and json.loads(row["raw"]) for row in rejected)
        await _contained_once(trip, host)


async def test_a_flood_of_refusals_and_lost_replies_changes_nothing_about_the_end(tmp_path: Path) -> None:
    async with journey(tmp_path / "data") as trip:
        await trip.control.add_fault("status", operation="list_alerts", status=500, times=1)
        await trip.control.add_fault("status", operation="get_machine", status=429, headers={"Retry-After": "1"})
        await trip.control.add_fault("drop_reply_after_effect", operation="isolate_machine", times=1)
        await trip.control.add_fault("drop_reply_after_effect", operation="update_alert", times=1)
        await trip.control.add_fault("drop_before_effect", operation="unisolate_machine", times=1)
        host = names(trip, 1)[0]
        alert_id = await trip.alert(host)
        trip.start_worker()
        await trip.until(ended(1))
        machine = trip.machine(host)
        assert await trip.asked("isolate_machine") == [machine]
        assert await trip.asked("unisolate_machine") == [machine]
        comments = (await trip.control.summary())["comments"][alert_id]
        assert len(comments) == len(set(comments)) == 2


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _simulate(port: int, state: Path) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
    command = ["simulate", "--port", str(port), "--scenario", "quiet", "--speed", "10", "--state", str(state), "--json"]
    process = subprocess.Popen([sys.executable, "-m", "ringfence", *command], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as told:
        return process, json.loads(told.readline())


async def test_the_simulator_killed_and_restarted_in_the_middle_is_found_again(tmp_path: Path) -> None:
    async with journey(tmp_path / "data", watch="1 s") as trip:
        port, state = _free_port(), tmp_path / "microsoft.sqlite"
        microsoft, where = _simulate(port, state)
        try:
            await trip.move_account(where["tenants"][0], login=where["login"], api=where["api"])
            async with SimulatorControl(str(where["api"])) as control:
                machine = next(iter((await control.state())["tenants"][0]["machines"]))
                await control.inject_alerts(machine["id"], severity="High", category="Ransomware", title="Ransomware")
                trip.start_worker()
                await trip.until(lambda tx: tx.scalar(sa.select(containments.c.state)) in ("pending", "contained"))
                microsoft.kill()
                microsoft.wait()
                microsoft, where = _simulate(port, state)
                await trip.until(ended(1))
                isolated = [entry["machine_id"] for entry in await control.journal(operation="isolate_machine")]
                released = [entry["machine_id"] for entry in await control.journal(operation="unisolate_machine")]
                assert isolated == released == [machine["id"]]
        finally:
            microsoft.kill()
            microsoft.wait()


async def test_an_unreachable_host_is_said_so_and_the_account_is_not_blamed(tmp_path: Path) -> None:
    async with journey(tmp_path / "data") as trip:
        trip.simulator.stop()
        trip.start_worker()

        def told(tx: Transaction) -> bool:
            return bool(tx.scalar(sa.select(trigger_services.c.poll_error)))

        await trip.until(told)
        row = await trip.app.database.read(_account)
        assert row["state"] == "healthy"
        assert "network" in await trip.app.database.read(lambda tx: tx.scalar(sa.select(trigger_services.c.poll_error)))
