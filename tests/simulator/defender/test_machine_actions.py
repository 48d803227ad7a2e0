from typing import Any

import httpx
import pytest

from factbook import example
from ringfence.simulator import SimulatorControl
from ringfence.simulator.documents import ACTION_KEYS
from ringfence.simulator.tenant import Tenant

ISOLATE = {"Comment": "Isolate machine due to alert 1234", "IsolationType": "Full"}


async def _isolate(http: httpx.AsyncClient, machine_id: str, verb: str = "isolate", **more: Any) -> httpx.Response:
    return await http.post(f"/api/machines/{machine_id}/{verb}", json=ISOLATE | more)


def _code(reply: httpx.Response) -> tuple[int, str]:
    return reply.status_code, reply.json()["error"]["code"]


async def test_an_isolation_is_accepted_pending_and_then_succeeds(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    reply = await _isolate(http, machine_id, ExternalId="case-1")
    action = reply.json()
    assert reply.status_code == 201
    assert action.pop("@odata.context").endswith("#MachineActions/$entity")
    assert tuple(action) == ACTION_KEYS
    expected = {
        "type": "Isolate",
        "scope": "Full",
        "status": "Pending",
        "requestor": "Ringfence",
        "requestorComment": ISOLATE["Comment"],
        "machineId": machine_id,
        "computerDnsName": "wks-001",
        "externalId": "case-1",
        "requestSource": "PublicApi",
        "errorHResult": 0,
        "commands": [],
    }
    assert {key: action[key] for key in expected} == expected
    await control.advance(10)
    read = (await http.get(f"/api/machineactions/{action['id']}")).json()
    assert read["status"] == "Succeeded"
    assert (await control.summary())["isolated_now"] == [machine_id]


async def test_an_action_holds_every_documented_key() -> None:
    assert set(example("get_machine_action.response")) <= set(ACTION_KEYS)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"IsolationType": "Full"}, "MissingRequiredParameter"),
        ({"comment": "x"}, "MissingRequiredParameter"),
        ({"Comment": ""}, "MissingRequiredParameter"),
        ({"Comment": 7}, "InvalidRequestBody"),
        ({"Comment": "x", "IsolationType": "full"}, "InvalidRequestBody"),
        ({"Comment": "x", "ExternalId": 5}, "InvalidRequestBody"),
        ([], "InvalidRequestBody"),
    ],
)
async def test_wrong_requests_are_refused(http: httpx.AsyncClient, machine_id: str, body: Any, code: str) -> None:
    assert _code(await http.post(f"/api/machines/{machine_id}/isolate", json=body)) == (400, code)


async def test_a_missing_comment_is_named(http: httpx.AsyncClient, machine_id: str) -> None:
    reply = await http.post(f"/api/machines/{machine_id}/unisolate")
    assert reply.json()["error"]["message"] == "Parameter Comment is missing."


async def test_names_do_not_stand_in_for_ids(http: httpx.AsyncClient) -> None:
    assert _code(await _isolate(http, "wks-001")) == (404, "ResourceNotFound")


async def test_a_repeat_is_refused_while_the_first_runs(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await _isolate(http, machine_id)
    assert _code(await _isolate(http, machine_id)) == (400, "ActiveRequestAlreadyExists")
    await control.advance(10)
    assert (await _isolate(http, machine_id)).status_code == 201


async def test_a_repeat_can_be_answered_with_the_pending_action(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.configure("contoso", duplicates="return_pending")
    first, second = await _isolate(http, machine_id), await _isolate(http, machine_id)
    assert (second.status_code, second.json()["id"]) == (201, first.json()["id"])
    assert _code(await _isolate(http, machine_id, "unisolate")) == (400, "ActiveRequestAlreadyExists")


async def test_an_isolation_is_refused_while_a_release_runs(http: httpx.AsyncClient, machine_id: str) -> None:
    await _isolate(http, machine_id, "unisolate")
    reply = await _isolate(http, machine_id)
    assert _code(reply) == (400, "ActiveRequestAlreadyExists")
    assert reply.json()["error"]["message"] == "Action is already in progress"


async def test_a_tenant_can_ignore_external_ids(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.configure("contoso", keep_external_id=False)
    assert (await _isolate(http, machine_id, ExternalId="case-1")).json()["externalId"] is None


async def test_an_unsupported_platform_is_refused(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    await control.edit_machine("wks-001", fields={"osPlatform": "Other"})
    reply = await _isolate(http, machine_id)
    assert _code(reply) == (400, "OsPlatformNotSupported")
    assert reply.json()["error"]["message"] == "OS Platform Other isn't supported for this action."


async def test_actions_are_listed_newest_first_and_filtered(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str, contoso: Tenant
) -> None:
    await _isolate(http, machine_id)
    await control.advance(10)
    await _isolate(http, machine_id, "unisolate")
    other = contoso.find_machine("srv1")
    assert other is not None
    await _isolate(http, other.id)

    async def types(**params: str) -> list[str]:
        reply = await http.get("/api/machineactions", params=params)
        return [f"{action['type']} {action['status']}" for action in reply.json()["value"]]

    assert await types() == ["Isolate Pending", "Unisolate Pending", "Isolate Succeeded"]
    mine = f"machineId eq '{machine_id}' and (status eq 'Pending' or status eq 'InProgress')"
    assert await types(**{"$filter": mine}) == ["Unisolate Pending"]
    assert await types(**{"$filter": "Type eq 'Isolate'", "$orderby": "creationDateTimeUtc", "$top": "1"}) == [
        "Isolate Succeeded"
    ]


async def test_ids_of_actions_are_guids(http: httpx.AsyncClient) -> None:
    reply = await http.get("/api/machineactions/123")
    assert _code(reply) == (400, "BadRequest")
    assert reply.json()["error"]["message"] == (
        "The key value (123) from request is not valid. The key value should be format of type 'Edm.Guid'."
    )
    missing = await http.get("/api/machineactions/00000000-0000-0000-0000-000000000001")
    assert _code(missing) == (404, "ResourceNotFound")


async def test_a_pending_action_can_be_cancelled_once(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str
) -> None:
    action = (await _isolate(http, machine_id, ExternalId="case-1")).json()
    url = f"/api/machineactions/{action['id']}/cancel"
    reply = await http.post(url, json={"Comment": "not needed", "ExternalId": "case-2"})
    body = reply.json()
    assert reply.status_code == 200
    assert (body["status"], body["cancellationComment"], body["cancellationRequestor"]) == (
        "Cancelled",
        "not needed",
        "Ringfence",
    )
    assert body["externalId"] == "case-1"
    assert _code(await http.post(url, json={})) == (400, "BadRequest")
    assert _code(await http.post(url, json={"Comment": 7})) == (400, "InvalidRequestBody")
    await control.advance(100)
    assert (await control.summary())["isolated_now"] == []


async def test_a_cancellation_names_an_action_that_had_no_external_id(http: httpx.AsyncClient, machine_id: str) -> None:
    action = (await _isolate(http, machine_id)).json()
    reply = await http.post(f"/api/machineactions/{action['id']}/cancel", json={"ExternalId": "case-2"})
    assert reply.json()["externalId"] == "case-2"
