import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ringfence.simulator import Simulator, SimulatorControl
from ringfence.simulator.tenant import Tenant


async def test_an_unknown_route_is_an_empty_404(http: httpx.AsyncClient) -> None:
    for path in ("/api/domains/contoso.com", "/v1.0/security/nothing", "/", "/api", "//", "/favicon.ico"):
        reply = await http.get(path)
        assert (reply.status_code, reply.content, reply.headers["Content-Length"]) == (404, b"", "0")
        assert "Content-Type" not in reply.headers


async def test_a_wrong_verb_is_an_empty_405_with_allow(http: httpx.AsyncClient, machine_id: str) -> None:
    reply = await http.get(f"/api/machines/{machine_id}/isolate")
    assert (reply.status_code, reply.content, reply.headers["Allow"]) == (405, b"", "POST")
    assert (await http.delete("/api/alerts/x")).headers["Allow"] == "GET, PATCH"


async def test_headers_are_as_recorded(http: httpx.AsyncClient) -> None:
    reply = await http.get("/api/v1.0/alerts")
    assert reply.headers["Content-Type"] == (
        "application/json; odata.metadata=minimal; odata.streaming=true; charset=utf-8"
    )
    assert reply.headers["OData-Version"] == "4.0"
    error = await http.get("/api/alerts/none")
    assert error.headers["Content-Type"] == "application/json; charset=utf-8"
    assert "OData-Version" not in error.headers


async def test_without_a_good_token_the_answer_is_401(
    anonymous: httpx.AsyncClient, http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    reply = await anonymous.get("/api/alerts")
    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "Unauthorized")
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    await control.advance(3_601)
    assert (await http.get("/api/alerts")).status_code == 401


async def test_a_token_for_graph_does_not_open_defender(anonymous: httpx.AsyncClient, sign_in: object) -> None:
    assert callable(sign_in)
    token = (await sign_in(scope="https://graph.microsoft.com/.default")).json()["access_token"]
    reply = await anonymous.get("/api/alerts", headers={"Authorization": f"Bearer {token}"})
    assert reply.status_code == 401


async def test_a_missing_role_is_403_in_either_documented_form(
    anonymous: httpx.AsyncClient, control: SimulatorControl, sign_in: object
) -> None:
    assert callable(sign_in)
    app = await control.add_app("Reader", roles=["Alert.ReadWrite.All"])
    token = (await sign_in(client_id=app["client_id"], client_secret=app["secrets"][0]["value"])).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    first = await anonymous.get("/api/machines", headers=headers)
    assert (first.status_code, first.json()["error"]["code"]) == (403, "Forbidden")
    assert first.json()["error"]["message"] == (
        "Missing application roles. API required roles: Machine.Read.All,Machine.ReadWrite.All, "
        "application roles: Alert.ReadWrite.All."
    )
    await control.configure("contoso", forbidden_form=2)
    second = await anonymous.get("/api/machines", headers=headers)
    assert second.json()["error"]["message"] == (
        "The application does not have any of the required application permissions "
        "(Machine.Read.All, Machine.ReadWrite.All) to access the resource."
    )


async def test_roles_are_those_of_the_moment_the_token_was_issued(
    http: httpx.AsyncClient, control: SimulatorControl, simulator: Simulator, contoso: Tenant
) -> None:
    await control.edit_app(next(iter(contoso.apps.values())).client_id, roles=[])
    assert (await http.get("/api/alerts")).status_code == 200


async def test_every_request_is_journalled_without_secrets(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str, contoso: Tenant
) -> None:
    body = {"Comment": "why", "IsolationType": "Full", "ExternalId": "e-1"}
    action = (await http.post(f"/api/machines/{machine_id}/isolate", json=body)).json()
    await http.get("/api/nothing")
    token, isolate, nothing = await control.journal()
    assert token["operation"] == "token_client_credentials"
    assert token["body"]["client_secret"] == "[redacted]"
    assert token["tenant_id"] == contoso.id
    assert isolate["machine_id"] == machine_id
    assert isolate["machine_action_id"] == action["id"]
    assert isolate["external_id"] == "e-1"
    assert isolate["body"] == body
    assert (isolate["status"], nothing["status"], nothing["operation"]) == (201, 404, None)
    assert [entry["sequence"] for entry in await control.journal(machine="wks-001")] == [2]
    assert [entry["sequence"] for entry in await control.journal(operation="isolate_machine", tenant="contoso")] == [2]


async def test_throttling_carries_its_header_and_its_documented_body(
    http: httpx.AsyncClient, control: SimulatorControl
) -> None:
    await control.add_fault("status", operation="list_alerts", status=429, headers={"Retry-After": "17"})
    reply = await http.get("/api/alerts")
    assert (reply.status_code, reply.headers["Retry-After"]) == (429, "17")
    assert reply.json()["error"]["code"] == "TooManyRequests"
    assert "in 17 seconds" in reply.json()["error"]["message"]
    assert (await http.get("/api/alerts")).status_code == 200
    await control.add_fault("status", path="/api/*", status=429, retry_after_date=30)
    assert (await http.get("/api/alerts")).headers["Retry-After"] == "Sun, 01 Mar 2026 12:00:30 GMT"


async def test_a_fault_can_answer_any_body(http: httpx.AsyncClient, control: SimulatorControl) -> None:
    await control.add_fault("status", path="/api/*", status=502, body="<html>bad gateway</html>")
    assert (await http.get("/api/alerts")).text == "<html>bad gateway</html>"
    await control.add_fault("status", path="/api/*", status=503)
    assert (await http.get("/api/alerts")).json()["error"]["code"] == "InternalServerError"
    await control.add_fault("malformed_body", path="/api/*")
    reply = await http.get("/api/machines")
    assert reply.status_code == 200
    with pytest.raises(ValueError, match=r".+"):
        reply.json()


async def test_a_lost_reply_has_had_its_effect_and_a_lost_request_has_not(
    http: httpx.AsyncClient, control: SimulatorControl, machine_id: str, contoso: Tenant
) -> None:
    await control.add_fault("drop_before_effect", operation="isolate_machine")
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})
    assert not contoso.actions
    await control.add_fault("drop_reply_after_effect", operation="isolate_machine")
    with pytest.raises(httpx.RemoteProtocolError):
        await http.post(f"/api/machines/{machine_id}/isolate", json={"Comment": "x"})
    assert len(contoso.actions) == 1
    journal = await control.journal(operation="isolate_machine")
    assert [(entry["fault"], entry["status"]) for entry in journal] == [
        ("drop_before_effect", None),
        ("drop_reply_after_effect", 201),
    ]


async def test_slowness_waits_as_long_as_asked(
    http: httpx.AsyncClient, control: SimulatorControl, simulator: Simulator
) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    simulator.sleep = wait
    await control.add_fault("latency", operation="list_alerts", seconds=9.5)
    assert (await http.get("/api/alerts")).status_code == 200
    assert waited == [9.5]


async def test_a_token_fault_answers_with_its_code(sign_in: object, control: SimulatorControl) -> None:
    assert callable(sign_in)
    await control.add_fault("token_error", operation="token_client_credentials", code=7_000_222)
    assert (await sign_in()).json()["error_codes"] == [7_000_222]
    assert (await sign_in()).status_code == 200


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=80),
    option=st.sampled_from(["$filter", "$top", "$skip", "$orderby", "$select", "$expand", "$count", "$x"]),
)
async def test_no_query_breaks_a_list(http: httpx.AsyncClient, option: str, text: str) -> None:
    for path in ("/api/alerts", "/api/machines", "/api/machineactions"):
        reply = await http.get(path, params={option: text.encode("utf-8", "replace").decode()})
        assert reply.status_code in (200, 400)
        if reply.status_code == 400:
            assert set(reply.json()["error"]) <= {"code", "message", "target", "details"}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.binary(max_size=40), body=st.binary(max_size=40), method=st.sampled_from(["GET", "POST", "PATCH"]))
async def test_no_request_breaks_the_server(
    simulator: Simulator, http: httpx.AsyncClient, machine_id: str, method: str, path: bytes, body: bytes
) -> None:
    encoded = "".join(f"%{byte:02x}" for byte in path)
    for url in (f"/api/machines/{encoded}/isolate", f"/api/alerts/{encoded}", f"/api/machines/{machine_id}/isolate"):
        reply = await http.request(method, url, content=body, headers={"Content-Type": "application/json"})
        assert reply.status_code in (200, 201, 400, 404, 405)


async def test_a_body_without_end_is_not_kept(simulator: Simulator, http: httpx.AsyncClient, machine_id: str) -> None:
    reply = await http.post(f"/api/machines/{machine_id}/isolate", content=b"x" * 22_000_001)
    assert reply.status_code == 400
    assert not simulator.journal.entries[-1].body
