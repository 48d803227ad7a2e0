"""How actions of a run reach Microsoft's APIs: by operation, with answers as they are sent and failures of one kind."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from accounts_samples import an_account
from containment_world import World, a_world
from port_world import run_of
from ringfence import clock
from ringfence.accounts.model import AccountFailed, AccountPending
from ringfence.actions import ActionError, where
from ringfence.defender import DefenderClient, DefenderError
from ringfence.errors import NotFound, Unavailable
from ringfence.runs.door import Defender, condition
from ringfence.storage import Database


@pytest.fixture
async def world(embedded: Database) -> AsyncIterator[World]:
    async with a_world(embedded) as made:
        yield made


async def test_documents_come_as_defender_sends_them(world: World) -> None:
    defender = Defender(run_of(world), world.clients)
    machine_id = world.machine("wks-001").id
    machine = await defender.read("get_machine", machine=machine_id)
    assert isinstance(machine, dict)
    assert (machine["id"], machine["computerDnsName"]) == (machine_id, "wks-001")
    users = await defender.read("get_machine_logon_users", machine_id=machine_id)
    assert isinstance(users, list)
    assert [user["accountName"] for user in users if isinstance(user, dict)] == ["asmith"]
    assert await defender.read("count_machine_alerts", machine_id=machine_id) == 0


async def test_lists_are_filtered_and_tell_when_they_were_cut(world: World) -> None:
    defender = Defender(run_of(world), world.clients)
    names = {"computerDnsName": ["wks-001", "wks-002"]}

    async def listed(limit: int, **options: Any) -> tuple[list[str], bool]:
        found = await defender.list("list_machines", limit=limit, **options)
        return sorted(str(each["computerDnsName"]) for each in found.items if isinstance(each, dict)), found.cut

    workstations = where("computerDnsName", "startswith", "wks-00")
    assert await listed(10, conditions=[workstations, None]) == (["wks-001", "wks-0012", "wks-002"], False)
    assert await listed(3, conditions=[workstations]) == (["wks-001", "wks-0012", "wks-002"], False)
    assert (await listed(2, conditions=[workstations]))[1] is True
    named = where("computerDnsName", "eq", *names["computerDnsName"])
    assert await listed(10, conditions=[named]) == (names["computerDnsName"], False)
    either = "computerDnsName eq 'wks-001' or computerDnsName eq 'srv1'"
    assert await listed(10, conditions=[workstations], filter=either) == (["wks-001"], False)


async def test_a_list_that_microsoft_gives_as_a_whole_is_cut_too(world: World) -> None:
    defender = Defender(run_of(world), world.clients)
    around: dict[str, Any] = {"ip": "10.20.0.11", "timestamp": clock.now() - timedelta(minutes=1)}
    found = await defender.list("find_machines_by_ip", limit=1, **around)
    assert [each["id"] for each in found.items if isinstance(each, dict)] == [world.machine("wks-001").id]
    assert not found.cut
    assert (await defender.list("find_machines_by_ip", limit=0, **around)).cut


def test_a_condition_without_a_value_is_left_out_and_no_value_breaks_out_of_its_quotes() -> None:
    assert where("status", "eq", None) is None
    assert [condition(made) for made in (where("status", "eq", "New", None, "O'Neil"),) if made] == [
        "(status eq 'New' or status eq 'O''Neil')"
    ]
    assert [condition(made) for made in (where("cvssV3", "ge", 7), where("title", "startswith", "a", "b")) if made] == [
        "cvssV3 ge 7",
        "(startswith(title,'a') or startswith(title,'b'))",
    ]


@pytest.mark.parametrize("operation", ["isolate_machine", "unisolate_machine"])
async def test_hosts_are_cut_off_and_let_go_by_another_door_only(world: World, operation: str) -> None:
    defender, machine_id = Defender(run_of(world), world.clients), world.machine("wks-001").id
    with pytest.raises(ActionError, match="through containment only") as raised:
        await defender.write(operation, key="k", machine_id=machine_id, comment="Now!")
    assert (raised.value.code, raised.value.permanent) == ("only-through-containment", True)
    assert world.actions("Isolate") == []


async def test_what_is_no_operation_or_goes_through_the_wrong_door_is_a_bug(world: World) -> None:
    defender, machine_id = Defender(run_of(world), world.clients), world.machine("wks-001").id
    with pytest.raises(TypeError, match="no operation '_hosts'"):
        await defender.read("_hosts")
    with pytest.raises(TypeError, match="run_av_scan changes"):
        await defender.read("run_av_scan", machine_id=machine_id, comment="x")
    with pytest.raises(TypeError, match="get_machine does not change"):
        await defender.write("get_machine", key="k", machine=machine_id)
    with pytest.raises(TypeError, match="address of a file"):
        await anext(aiter(defender.download("get_machine", machine=machine_id)))
    with pytest.raises(TypeError, match="unexpected keyword"):
        await defender.read("get_machine", name=machine_id)


async def test_a_package_is_fetched_once_it_is_there(world: World) -> None:
    defender = Defender(run_of(world), world.clients)
    world.portal("wks-001", "CollectInvestigationPackage")
    (action,) = world.actions("CollectInvestigationPackage", ours=False)
    with pytest.raises(ActionError):
        await anext(aiter(defender.download("get_package_sas_uri", action_id=action.record.key)))
    world.advance(600)
    pieces = [piece async for piece in defender.download("get_package_sas_uri", action_id=action.record.key)]
    assert b"".join(pieces)[:2] == b"PK"


async def test_a_run_without_an_account_reaches_nothing_and_says_what_to_do(world: World) -> None:
    run = replace(run_of(world), account_id=None)
    with pytest.raises(ActionError, match="no account") as raised:
        await Defender(run, world.clients).read("get_machine", machine="x")
    assert (raised.value.permanent, raised.value.code, raised.value.advice) == (
        True,
        "no-account",
        "Name an account in the trigger.",
    )


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "600"}, 600.0), ({}, 60.0)])
async def test_a_call_that_is_throttled_says_when_to_ask_again(
    world: World, headers: dict[str, str], seconds: float
) -> None:
    body = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    world.fault("status", "get_machine", status=429, headers=headers, body=body, times=None)
    with pytest.raises(ActionError) as raised:
        await Defender(run_of(world), world.clients).read("get_machine", machine=world.machine("wks-001").id)
    assert (raised.value.permanent, raised.value.retry_after) == (False, seconds)


async def test_a_failure_of_defender_is_an_action_error_and_is_reported_for_the_account(world: World) -> None:
    defender = Defender(run_of(world), world.clients)
    with pytest.raises(ActionError) as raised:
        await defender.read("get_alert", alert_id="da-unknown")
    assert raised.value.permanent
    assert raised.value.advice
    world.fault("status", "get_machine", status=503, times=None)
    with pytest.raises(ActionError) as raised:
        await defender.read("get_machine", machine=world.machine("wks-001").id)
    assert not raised.value.permanent
    reported = getattr(world.clients, "reported", [])
    assert len(reported) == 2


class Refuses:
    """Clients that cannot be had."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def get(self, account_id: str) -> DefenderClient:
        raise self.error

    async def report(self, account_id: str, error: DefenderError) -> bool:
        raise AssertionError("nothing was tried")


@pytest.mark.parametrize(("error", "permanent"), [(Unavailable("Not proven."), False), (NotFound("Gone."), True)])
async def test_an_account_that_may_not_be_used_is_an_action_error(
    world: World, error: Exception, permanent: bool
) -> None:
    with pytest.raises(ActionError, match=str(error)) as raised:
        await Defender(run_of(world), Refuses(error)).read("get_machine", machine="x")
    assert raised.value.permanent is permanent


async def test_a_call_waits_for_an_account_that_has_failed_and_for_one_that_fails_by_it(world: World) -> None:
    account = an_account()
    for error in (AccountFailed(account, "It has failed.", advice=""), AccountPending(account, "Not yet.", advice="")):
        with pytest.raises(ActionError, match="Waiting for the account") as raised:
            await Defender(run_of(world), Refuses(error)).read("get_machine", machine="x")
        assert (raised.value.permanent, raised.value.topics) == (False, (f"account:{run_of(world).account_id}",))
        assert raised.value.retry_after
    world.fault("status", "get_machine", status=401, body={"error": {"code": "Unauthorized"}}, times=None)
    with pytest.raises(ActionError, match="Waiting for the account") as raised:
        await Defender(run_of(world), world.clients).read("get_machine", machine=world.machine("wks-001").id)
    assert raised.value.topics


async def test_a_door_that_was_made_without_responses_has_none(world: World) -> None:
    with pytest.raises(TypeError, match="without responses"):
        _ = Defender(run_of(world), world.clients).responses
