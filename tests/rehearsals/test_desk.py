"""What the command line's tests do not reach: whose account is taken, and components."""

from collections.abc import Mapping
from typing import Any, NoReturn

import pytest
import sqlalchemy as sa

from accounts_samples import VAULT, a_stored_account
from listening_world import a_version
from rehearsing import CATALOGUE
from ringfence import clock
from ringfence.defender import DefenderClient, DefenderError
from ringfence.errors import Invalid
from ringfence.organizations import service as organizations
from ringfence.organizations.model import Organization
from ringfence.playbooks import library
from ringfence.rehearsals.desk import DryRun, Wish, try_dry
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import runs

TEXT = """\
ringfence: 1
name: One
trigger: {type: defender.alert, changes: [updated]}
steps:
  a: {action: logic.set, with: {values: {a: "${trigger.alert.title}"}}}
"""


class _NoClients:
    async def get(self, account_id: str) -> DefenderClient:
        raise AssertionError("Nothing is to be called.")

    async def report(self, account_id: str, error: DefenderError) -> NoReturn:
        raise AssertionError("Nothing is to be called.")


async def _try(database: Database, organization: Organization, **wish: Any) -> DryRun:
    return await try_dry(database, _NoClients(), VAULT, CATALOGUE, organization, Wish(TEXT, **wish))


@pytest.fixture
def contoso(embedded: Database) -> Organization:
    return embedded.run_now(lambda tx: organizations.create(tx, "contoso"))


async def test_the_only_account_is_taken_and_of_several_the_one_that_is_named(
    embedded: Database, contoso: Organization
) -> None:
    document: Mapping[str, Any] = {"alert": {"title": "x"}}
    assert (await _try(embedded, contoso, document=document)).account is None
    a_stored_account(embedded, contoso.id, name="one")
    assert (await _try(embedded, contoso, document=document)).account == "one"
    a_stored_account(embedded, contoso.id, name="two")
    assert (await _try(embedded, contoso, document=document)).account is None
    assert (await _try(embedded, contoso, document=document, account="two")).account == "two"


async def test_an_alert_brings_its_account_and_its_document(embedded: Database, contoso: Organization) -> None:
    account = a_stored_account(embedded, contoso.id, name="one")
    a_version(embedded, contoso.id, account.id, "da1", title="Ransomware seen")
    done = await _try(embedded, contoso, alert="da1")
    assert (done.on, done.starts, done.account) == ("Ransomware seen (da1)", True, "one")
    assert done.report.steps[0].output == {"a": "Ransomware seen"}
    with pytest.raises(Invalid, match="belongs to the account"):
        await _try(embedded, contoso, alert="da1", account="two")


async def test_a_document_whose_alert_is_none_is_refused(embedded: Database, contoso: Organization) -> None:
    with pytest.raises(Invalid, match="not an object"):
        await _try(embedded, contoso, document={"alert": "x"})


async def test_a_playbook_with_errors_is_not_tried(embedded: Database, contoso: Organization) -> None:
    wish = Wish(TEXT.replace("logic.set", "logic.sett"), document={})
    with pytest.raises(Invalid) as refused:
        await try_dry(embedded, _NoClients(), VAULT, CATALOGUE, contoso, wish)
    assert "unknown-action" in refused.value.problems[0]


async def test_limits_that_a_run_would_meet_now_are_noted(embedded: Database, contoso: Organization) -> None:
    text = TEXT.replace("trigger:", "limits: {concurrent: 1}\ntrigger:")

    def under_way(tx: Transaction) -> None:
        made = library.put_version(tx, contoso.id, "One", text, "ada", library.Release()).playbook
        values: dict[str, Any] = {
            "playbook_id": made.id,
            "playbook_version_id": made.version_id,
            "organization_id": contoso.id,
        }
        values |= {"id": clock.new_id(), "cause_key": "one", "trigger": {}, "status": "running"}
        now = clock.now()
        tx.execute(sa.insert(runs).values(values | {"requested_at": now, "started_at": now, "admitted_at": now}))

    embedded.run_now(under_way)
    document: Mapping[str, Any] = {"alert": {"title": "x"}}
    done = await try_dry(embedded, _NoClients(), VAULT, CATALOGUE, contoso, Wish(text, document=document))
    (note,) = [each for each in done.problems if each.code == "limits"]
    assert note.message.startswith("A run would wait for its turn now: 1 run of this playbook is under way")
    assert done.report.status == "succeeded"
