import httpx
import pytest

from microsoft import Microsoft, answer
from operation_cases import Case
from ringfence.defender import InvalidArgument, MalformedReply, NotFound, ReplyLost

ACTION = {"id": "x", "type": "Isolate", "status": "Pending"}

CASES = [
    Case(
        "isolate_machine",
        "POST /api/machines/m/isolate",
        lambda d: d.isolate_machine("m", comment="c", isolation_type="Selective", external_id="e"),
        ACTION,
        {"Comment": "c", "IsolationType": "Selective", "ExternalId": "e"},
        status=201,
    ),
    Case(
        "unisolate_machine",
        "POST /api/machines/m/unisolate",
        lambda d: d.unisolate_machine("m", comment="c"),
        ACTION,
        {"Comment": "c"},
        status=201,
    ),
    Case(
        "restrict_code_execution",
        "POST /api/machines/m/restrictCodeExecution",
        lambda d: d.restrict_code_execution("m", comment="c"),
        ACTION,
        {"Comment": "c"},
        status=201,
    ),
    Case(
        "unrestrict_code_execution",
        "POST /api/machines/m/unrestrictCodeExecution",
        lambda d: d.unrestrict_code_execution("m", comment="c"),
        ACTION,
        {"Comment": "c"},
        status=201,
    ),
    Case(
        "run_av_scan",
        "POST /api/machines/m/runAntiVirusScan",
        lambda d: d.run_av_scan("m", comment="c", scan_type="Full"),
        ACTION,
        {"Comment": "c", "ScanType": "Full"},
        status=201,
    ),
    Case(
        "offboard_machine",
        "POST /api/machines/m/offboard",
        lambda d: d.offboard_machine("m", comment="c"),
        ACTION,
        {"Comment": "c"},
    ),
    Case(
        "stop_and_quarantine_file",
        "POST /api/machines/m/StopAndQuarantineFile",
        lambda d: d.stop_and_quarantine_file("m", "A" * 40, comment="c"),
        ACTION,
        {"Comment": "c", "Sha1": "a" * 40},
        status=201,
    ),
    Case(
        "collect_investigation_package",
        "POST /api/machines/m/collectInvestigationPackage",
        lambda d: d.collect_investigation_package("m", comment="c"),
        ACTION,
        {"Comment": "c"},
        status=201,
    ),
    Case(
        "get_package_sas_uri",
        "GET /api/machineactions/x/getPackageUri",
        lambda d: d.get_package_sas_uri("x"),
        {"value": '"https://files.securitycenter.windows.com/p.zip?token=1"'},
        result=lambda found: found == "https://files.securitycenter.windows.com/p.zip?token=1",
    ),
    Case(
        "list_machine_actions",
        "GET /api/machineactions?$orderby=y&$top=5",
        lambda d: d.list_machine_actions(order_by="y", top=5),
        {"value": [ACTION]},
        result=len,
    ),
    Case(
        "get_machine_action",
        "GET /api/machineactions/x",
        lambda d: d.get_machine_action("x"),
        ACTION,
        result=lambda found: not found.is_final,
    ),
    Case(
        "cancel_machine_action",
        "POST /api/machineactions/x/cancel",
        lambda d: d.cancel_machine_action("x", comment="c"),
        ACTION,
        {"Comment": "c"},
    ),
]


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_each_operation_sends_its_request_and_reads_its_reply(case: Case) -> None:
    await case.run()


async def test_no_action_is_sent_twice_or_without_a_reason() -> None:
    microsoft = Microsoft(otherwise=answer({}, 500))
    async with microsoft.client() as defender:
        actions = (
            defender.isolate_machine,
            defender.unisolate_machine,
            defender.restrict_code_execution,
            defender.unrestrict_code_execution,
            defender.run_av_scan,
            defender.offboard_machine,
            defender.collect_investigation_package,
        )
        for action in actions:
            with pytest.raises(ReplyLost):
                await action("m", comment="c")
            with pytest.raises(InvalidArgument):
                await action("m", comment=" ")
        with pytest.raises(InvalidArgument, match="SHA-1"):
            await defender.stop_and_quarantine_file("m", "a" * 64, comment="c")
    assert len(microsoft.requests) == len(actions)


@pytest.mark.parametrize("value", [None, "", "x", "http://files.contoso.com/p", "ftp://a/b", "https://", "https://[x"])
async def test_an_address_that_is_none_is_malformed(value: object) -> None:
    async with Microsoft(otherwise=answer({"value": value})).client(attempts=1) as defender:
        with pytest.raises(MalformedReply, match="download"):
            await defender.get_package_sas_uri("x")


async def test_a_package_is_fetched_without_the_token_from_where_the_service_says() -> None:
    address = "https://files.securitycenter.windows.com/p.zip?token=1"
    microsoft = Microsoft(answer({"value": address}), httpx.Response(503), httpx.Response(200, content=b"PK"))
    async with microsoft.client() as defender:
        assert await defender.download_package("x") == b"PK"
    assert str(microsoft.requests[-1].url) == address
    assert "Authorization" not in microsoft.requests[-1].headers


@pytest.mark.parametrize(
    ("address", "reply", "expected"),
    [
        ("https://files.securitycenter.windows.com/p", httpx.Response(404), NotFound),
        ("https://files.securitycenter.windows.com/p", httpx.Response(302), MalformedReply),
        ("https://files.securitycenter.windows.com/p", httpx.Response(200, content=b"x" * 11), MalformedReply),
        ("https://127.0.0.1/p", httpx.Response(200), MalformedReply),
        ("http://localhost/p", httpx.Response(200), MalformedReply),
    ],
)
async def test_a_download_that_is_not_what_it_should_be_is_refused(
    address: str, reply: httpx.Response, expected: type[Exception]
) -> None:
    async with Microsoft(answer({"value": address}), reply).client(attempts=1) as defender:
        with pytest.raises(expected) as raised:
            await defender.download_package("x", largest=10)
    assert "?" not in str(raised.value)
