from datetime import timedelta

import pytest

from accounts_samples import a_stored_account, an_organization
from alert_samples import NOON, an_alert
from graph_samples import a_graph_alert
from ringfence import clock
from ringfence.actions import ActionError
from ringfence.alerts.source import Source
from ringfence.ingestion.pages import prepare, store
from ringfence.rehearsals.scene import rehearsed
from ringfence.runs.alerts import Alerts
from ringfence.storage import Database
from ringfence.triggers.registry import Registry


async def test_an_alert_is_found_by_either_id_with_whose_it_is(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    clock.replace((NOON + timedelta(minutes=1)).timestamp)
    page = prepare([an_alert("a")])
    embedded.run_now(lambda tx: store(tx, account.id, page, Registry()))
    mine = Alerts(embedded, account.organization_id, account.id)
    found = await mine.find("daa_1")
    assert (found.alert_id, found.account, found.mine, found.changeable) == ("daa_1", account.name, True, True)
    assert found.document["title"] == "Alert a"
    assert await mine.find(found.id) == found
    other = await Alerts(embedded, account.organization_id, "another").find(found.id)
    assert not other.mine
    run = rehearsed("X", {}, now=NOON, organization_id=account.organization_id, alert_id=found.id)
    assert (await Alerts(embedded, account.organization_id, account.id, run).find(None)).id == found.id
    with pytest.raises(ActionError, match="alert"):
        await mine.find("none")


async def test_the_alert_of_a_run_is_known_though_it_is_in_no_queue(embedded: Database) -> None:
    run = rehearsed("X", {}, now=NOON, alert=an_alert("a"))
    found = await Alerts(embedded, "o", None, run).find(None)
    assert (found.id, found.alert_id, found.mine) == ("", "daa_1", True)
    with pytest.raises(ActionError, match="No alert started"):
        await Alerts(embedded, "o", None).find(None)


async def test_an_alert_of_another_product_is_told_from_one_of_ours(embedded: Database) -> None:
    account = a_stored_account(embedded, an_organization(embedded))
    clock.replace((NOON + timedelta(minutes=1)).timestamp)
    document = a_graph_alert("a") | {"serviceSource": "microsoftDefenderForOffice365"}
    page = prepare([document], source=Source.GRAPH)
    embedded.run_now(lambda tx: store(tx, account.id, page, Registry()))
    found = await Alerts(embedded, account.organization_id, account.id).find(str(document["id"]))
    assert not found.changeable
