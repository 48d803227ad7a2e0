import httpx
import pytest

from accounts_samples import a_page, signed_in
from microsoft import Microsoft, aadsts, answer, refused
from ringfence.accounts.model import USUAL
from ringfence.accounts.permissions import needs
from ringfence.accounts.proof import NEEDED_ROLES, Check, Report, describe, looks_like_id, prove
from ringfence.defender import (
    AuthenticationFailed,
    DefenderError,
    Forbidden,
    MissingRole,
    Throttled,
    Timeout,
    Unauthorized,
    UnknownTenant,
    WrongAddress,
    WrongCloud,
)

MACHINE = {"id": "0" * 40, "computerDnsName": "host-1.contoso.com"}
ALERT = {"id": "da1_1", "title": "An alert"}


async def proven(microsoft: Microsoft, *, secret_looks_like_id: bool = False, reads_graph: bool = False) -> Report:
    async with microsoft.client(attempts=1) as client:
        return await prove(client, needed=needs(USUAL, graph=reads_graph), secret_looks_like_id=secret_looks_like_id)


async def test_an_account_that_can_do_everything_is_proven_with_two_reads_and_no_write() -> None:
    microsoft = Microsoft(a_page(MACHINE), a_page(ALERT), logins=[signed_in()])
    report = await proven(microsoft)
    assert report.ok
    assert not report.refuted
    assert report.reason == ""
    assert report.roles == tuple(NEEDED_ROLES)
    assert [check.name for check in report.checks] == ["sign-in", *NEEDED_ROLES, "machines", "alerts"]
    assert [(request.method, request.url.path) for request in microsoft.requests] == [
        ("GET", "/api/machines"),
        ("GET", "/api/alerts"),
    ]
    assert all(request.url.params["$top"] == "1" for request in microsoft.requests)


async def test_an_empty_tenant_is_proven_too() -> None:
    assert (await proven(Microsoft(a_page(), a_page(), logins=[signed_in()]))).ok


async def test_a_missing_permission_is_named_with_what_it_is_for_and_how_to_grant_it() -> None:
    roles = [role for role in NEEDED_ROLES if role != "Machine.Isolate"]
    report = await proven(Microsoft(a_page(), a_page(), logins=[signed_in(roles)]))
    assert report.refuted
    assert "Machine.Isolate is missing" in report.reason
    assert "isolate machines" in report.reason
    assert "admin consent" in report.reason


async def test_the_right_to_change_machines_covers_the_right_to_read_them() -> None:
    roles = [*(role for role in NEEDED_ROLES if role != "Machine.Read.All"), "Machine.ReadWrite.All"]
    assert (await proven(Microsoft(a_page(), a_page(), logins=[signed_in(roles)]))).ok


async def test_a_token_that_cannot_be_read_leaves_the_proof_to_the_reads() -> None:
    report = await proven(Microsoft(a_page(MACHINE), a_page(ALERT)))
    assert report.ok
    assert report.roles is None


@pytest.mark.parametrize(
    ("reply", "said", "advised"),
    [
        (aadsts(7000215, "invalid_client", 401), "does not accept this client secret", "VALUE"),
        (aadsts(7000222, "invalid_client", 401), "has expired", "new client secret"),
        (aadsts(700027, "invalid_client", 401), "does not accept this certificate", "Upload the certificate"),
        (aadsts(7000112, "unauthorized_client", 400), "application is switched off", "Enable"),
        (aadsts(500011, "invalid_resource", 400), "does not have the API", ""),
        (aadsts(700016, "unauthorized_client", 400), "no application with this client id", "client"),
        (aadsts(90002, "invalid_tenant", 400), "no such tenant", "tenant id"),
        (aadsts(999999, "invalid_client", 400), "AADSTS999999", "AADSTS"),
    ],
)
async def test_a_refused_sign_in_is_said_in_plain_words(reply: httpx.Response, said: str, advised: str) -> None:
    report = await proven(Microsoft(logins=[reply]))
    assert report.refuted
    assert [check.name for check in report.checks] == ["sign-in"]
    assert said in report.checks[0].sentence
    assert advised in report.checks[0].advice


async def test_a_secrets_id_in_place_of_its_value_is_recognised() -> None:
    report = await proven(
        Microsoft(logins=[aadsts(7000215, "invalid_client", 401)]),
        secret_looks_like_id=looks_like_id("7a1f3c52-0c5e-4b8e-9d2f-000000000003"),
    )
    assert "looks like the secret's id" in report.reason
    assert "column Value" in report.reason


async def test_a_secret_that_only_looks_like_an_id_and_works_is_taken() -> None:
    microsoft = Microsoft(a_page(), a_page(), logins=[signed_in()])
    assert (await proven(microsoft, secret_looks_like_id=True)).ok


async def test_an_unreachable_host_is_temporary_and_refutes_nothing() -> None:
    report = await proven(Microsoft(logins=[httpx.ConnectError("no route")]))
    assert not report.ok
    assert not report.refuted
    assert "could not be reached" in report.reason


async def test_a_read_that_is_forbidden_is_found_although_the_token_looks_right() -> None:
    microsoft = Microsoft(
        refused(
            403,
            "Forbidden",
            "The application does not have any of the required application permissions "
            "(Machine.Read.All, Machine.ReadWrite.All) to access the resource.",
        ),
        a_page(),
        logins=[signed_in()],
    )
    report = await proven(microsoft)
    assert report.refuted
    assert (
        "Reading machines failed: the permission Machine.Read.All or Machine.ReadWrite.All is missing." in report.reason
    )


async def test_a_refused_token_is_a_refuted_account() -> None:
    microsoft = Microsoft(otherwise=answer({"error": {"code": "Unauthorized"}}, 401), logins=[signed_in()])
    report = await proven(microsoft)
    assert report.refuted
    assert "does not accept the tenant's token" in report.reason


def test_the_same_advice_is_given_once() -> None:
    checks = tuple(Check(name, False, f"{name} failed.", "Do this.") for name in ("One", "Two"))
    assert Report(checks).reason == "One failed. Two failed. Do this."


@pytest.mark.parametrize(
    "error",
    [
        AuthenticationFailed("no", aadsts=1),
        AuthenticationFailed("no"),
        UnknownTenant(aadsts=90002),
        WrongCloud(),
        Unauthorized(),
        MissingRole(required=("Machine.Isolate",)),
        Forbidden(),
        WrongAddress(),
        Throttled(),
        Timeout(),
        DefenderError("Something else."),
    ],
)
def test_every_failure_can_be_said(error: DefenderError) -> None:
    assert describe(error).endswith(".") or describe(error) == error.message


def test_a_secrets_value_does_not_look_like_an_id() -> None:
    assert looks_like_id("7A1F3C52-0c5e-4b8e-9d2f-000000000003")
    assert not looks_like_id("abc8Q~7a1f3c52-0c5e-4b8e-9d2f-000000000003")


async def test_where_a_service_reads_graph_its_permissions_are_compared_and_an_alert_is_read_there() -> None:
    graph = signed_in(["SecurityAlert.ReadWrite.All", "Directory.Read.All"])
    microsoft = Microsoft(a_page(), a_page(), a_page(), logins=[signed_in(), graph])
    report = await proven(microsoft, reads_graph=True)
    assert report.ok
    assert microsoft.requests[-1].url.path == "/v1.0/security/alerts_v2"
    said = {check.name: check.sentence for check in report.checks}
    assert "read alerts from Microsoft Graph" in said["SecurityAlert.Read.All"]
    assert said["graph-superfluous"].endswith(": Directory.Read.All.")


async def test_what_is_missing_for_graph_is_named_and_keeps_no_host_from_being_contained() -> None:
    microsoft = Microsoft(
        a_page(), a_page(), refused(403, "Forbidden"), logins=[signed_in(), signed_in(["X.Read.All"])]
    )
    report = await proven(microsoft, reads_graph=True)
    assert not report.ok
    assert (report.usable, report.refuted, report.reason) == (True, False, "")
    failed = {check.name: check for check in report.checks if not check.ok}
    assert set(failed) == {"SecurityAlert.Read.All", "graph-alerts"}
    assert "API: Microsoft Graph" in failed["SecurityAlert.Read.All"].advice


async def test_a_tenant_without_graph_keeps_no_host_from_being_contained_either() -> None:
    microsoft = Microsoft(a_page(), a_page(), logins=[signed_in(), aadsts(650052, "invalid_resource", 400)])
    report = await proven(microsoft, reads_graph=True)
    assert (report.ok, report.usable) == (False, True)
    assert [check.name for check in report.checks if not check.ok] == ["graph-sign-in"]


async def test_more_than_any_operation_needs_is_named_and_is_no_failure() -> None:
    report = await proven(Microsoft(a_page(), a_page(), logins=[signed_in([*NEEDED_ROLES, "Event.Write"])]))
    assert report.ok
    assert any(check.name == "mde-superfluous" and "Event.Write" in check.sentence for check in report.checks)
