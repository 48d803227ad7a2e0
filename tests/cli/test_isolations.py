import pytest
import sqlalchemy as sa

from cli_world import Ringfence
from contoso import Contoso
from ringfence import clock
from ringfence.settings import Settings
from ringfence.storage import tables


def _write(ringfence: Ringfence, statement: sa.Executable) -> None:
    installation = ringfence.open(Settings(data=ringfence.data))
    try:
        installation.database.run_now(lambda tx: tx.execute(statement))
    finally:
        installation.close()


def test_the_whole_list_shows_what_others_isolated_and_what_needs_a_look(
    ringfence: Ringfence, contoso: Contoso
) -> None:
    said = ringfence("containment", "list", "--all").stdout
    theirs = said.split("\nIsolated by others\n")[1]
    assert "ops-ws-002.contoso.com" in theirs
    assert "Microsoft Defender (AttackDisruption)" in theirs
    assert "mkt-ws-004.contoso.com: Ringfence released it, and somebody else isolated it again." in theirs
    assert "Isolated by others" not in ringfence("containment", "list").stdout
    document = ringfence.json("containment", "list", "--all")
    assert {each["origin"] for each in document["foreign"]} == {"person", "defender", "tool"}
    by_id = {each["id"]: each for each in document["items"]}
    assert by_id[contoso.containment_id]["host"]["owner"] == "Ringfence"
    assert by_id[contoso.pending_id]["host"] is None


def test_a_host_that_somebody_released_outside_says_so_below_the_list(ringfence: Ringfence, contoso: Contoso) -> None:
    mine = tables.isolations.c.containment_id == contoso.containment_id
    drifted = {"isolated": False, "state": "free", "drift": "released_outside", "containment_id": None}
    _write(ringfence, sa.update(tables.isolations).where(mine).values(**drifted))
    said = ringfence("containment", "list").stdout
    assert "fin-ws-014.contoso.com: Ringfence wants it isolated, and somebody outside released it." in said


@pytest.mark.usefixtures("contoso")
def test_orphans_are_listed_with_whom_to_ask(ringfence: Ringfence) -> None:
    said = ringfence("containment", "orphans", "--older-than", "2 h").stdout
    assert said.split()[:2] == ["host", "isolated"]
    assert "lab-ws-009.contoso.com" in said
    assert "diego.siciliani@contoso.com (Portal)" in said
    (orphan,) = ringfence.json("containment", "orphans")["items"]
    assert orphan["isolation"]["machine_name"] == "lab-ws-009.contoso.com"
    assert orphan["isolation"]["foreign"] is True
    assert orphan["incidents"] == []
    nobody = ringfence("containment", "orphans", "--older-than", "900 days")
    assert "Somebody comes back to every host" in nobody.stderr


def test_a_length_of_time_that_means_nothing_is_refused(ringfence: Ringfence) -> None:
    assert "--older-than" in ringfence("containment", "orphans", "--older-than", "soon", status=2).stderr


def test_an_account_that_cannot_be_looked_at_is_named(ringfence: Ringfence, contoso: Contoso) -> None:
    row = {"account_id": contoso.account_id, "tried_at": clock.now(), "error": "The secret expired."}
    _write(ringfence, sa.insert(tables.reconciliations).values(row))
    said = ringfence("containment", "list").stdout
    assert "what others do is not looked at (never seen). The secret expired." in said
