"""Figures for monitoring: whom they are for, and what they say."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from accounts_samples import a_stored_account, an_organization
from contoso import Contoso
from ringfence.accounts import records
from ringfence.accounts.budgets import StoredBudgets
from ringfence.defender import OPERATIONS, CallBudget
from ringfence.settings import Settings
from ringfence.storage import Database
from ringfence.web import create_web
from webfixtures import open_client
from webserver import OPEN, make_services

TOKEN = "a-token-of-contoso"
Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def samples(text: str) -> Samples:
    """Return each figure by its name and labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def read_with(database: Database, token: str | None, authorization: str) -> httpx.Response:
    """Ask a server that has the token, or none, as monitoring does."""
    settings = Settings(data=Path("unused"), metrics_token=SecretStr(token) if token else None, **OPEN)
    async with open_client(create_web(make_services(database, settings=settings))) as monitoring:
        return await monitoring.get("/metrics", headers={"Authorization": authorization})


async def test_who_is_signed_in_reads_what_is_left_of_each_budget(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    account = embedded.read_now(lambda tx: records.by_id(tx, contoso.account_id))
    before = samples((await client.get("/metrics")).text)
    budget = CallBudget(StoredBudgets(embedded), account.tenant_id, account.client_id)
    for _ in range(3):
        await budget.spend(OPERATIONS["get_machine"], patience=0.0)
    await budget.refused(OPERATIONS["get_machine"], 30.0)
    reply = await client.get("/metrics")
    assert reply.headers["content-type"].startswith("text/plain; version=0.0.4")
    found = samples(reply.text)
    window = {"organization": "Default", "account": account.name, "api": "mde", "operation": "", "seconds": "60"}

    def of(read: Samples, name: str, **labels: str) -> float:
        wanted = window | labels
        return next(
            value
            for (each, given), value in read.items()
            if each == name and dict(given) | {"organization": "Default"} == wanted
        )

    spent = "ringfence_call_budget_spent"
    assert of(found, spent) == of(before, spent) + 3
    assert of(found, "ringfence_call_budget_granted") == 100
    left = {purpose: of(found, "ringfence_call_budget_left", purpose=purpose) for purpose in ("release", "enrich")}
    assert left["release"] - left["enrich"] == 30
    assert 25 < of(found, "ringfence_call_budget_closed_seconds") <= 30
    health = {dict(labels)["account"]: value for (name, labels), value in found.items() if name.endswith("healthy")}
    assert sorted(health.values()) == [0.0, 1.0]


async def test_monitoring_reads_all_organizations_by_the_token_alone(embedded: Database) -> None:
    a_stored_account(embedded, an_organization(embedded, "Fabrikam"), name="fabrikam-tenant")
    text = (await read_with(embedded, TOKEN, f"Bearer {TOKEN}")).text
    assert 'account="fabrikam-tenant"' in text
    assert 'organization="Fabrikam"' in text
    assert "contoso" in text


async def test_who_is_signed_in_reads_nothing_of_another_organization(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    a_stored_account(embedded, an_organization(embedded, "Fabrikam"), name="fabrikam-tenant")
    assert "fabrikam" not in (await client.get("/metrics")).text


@pytest.mark.parametrize(
    ("token", "authorization"),
    [(TOKEN, ""), (TOKEN, "Bearer another-token-of-contoso"), (TOKEN, f"Basic {TOKEN}"), (None, "Bearer "), (None, "")],
)
async def test_nobody_else_reads_anything_and_is_told_how_to(
    embedded: Database, token: str | None, authorization: str
) -> None:
    reply = await read_with(embedded, token, authorization)
    assert (reply.status_code, reply.headers["www-authenticate"]) == (401, "Bearer")
    assert "RINGFENCE_METRICS_TOKEN" in reply.text
    assert "contoso" not in reply.text


async def test_a_hostile_name_of_an_account_stays_a_label(embedded: Database) -> None:
    organization = an_organization(embedded, "Fabrikam")
    name = 'a"} 1\nringfence_account_healthy{account="b\\'
    a_stored_account(embedded, organization, name=name)
    found = samples((await read_with(embedded, TOKEN, f"Bearer {TOKEN}")).text)
    assert name in {dict(labels)["account"] for _, labels in found}
