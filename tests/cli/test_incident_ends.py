import sqlalchemy as sa

from cli_world import Ringfence
from contoso import Contoso
from ringfence.settings import Settings
from ringfence.storage import tables


def test_hosts_are_held_and_let_go_and_closing_asks_about_them(ringfence: Ringfence, contoso: Contoso) -> None:
    number = str(contoso.incident_number)
    refused = ringfence.error("incident", "close", number, "--resolution", "benign", "--reason", "A test")
    assert refused["code"] == "incident_holds_hosts"
    assert "fin-ws-014.contoso.com" in refused["message"]
    held = ringfence(
        "incident", "contain", number, "fin-ws-014.contoso.com", "--reason", "Spreading", "--auto-release", "4 h"
    )
    assert "Asked for" in held.stdout
    assert "is to be released" in ringfence("incident", "release", number, "--reason", "Clean").stdout
    assert "holds no host" in ringfence("incident", "release", number, "--reason", "Clean").stderr
    both = ringfence.error(
        "incident", "close", number, "--resolution", "benign", "--reason", "x", "--release", "--keep"
    )
    assert both["code"] == "invalid"
    closed = ringfence.json("incident", "close", number, "--resolution", "true-positive", "--reason", "Reimaged")
    assert (closed["status"], closed["resolution"]) == ("resolved", "true_positive")
    assert "open again" in ringfence("incident", "reopen", number, "--reason", "It is back").stdout


def test_a_host_that_others_hold_stays_cut_off(ringfence: Ringfence, contoso: Contoso) -> None:
    app = ringfence.open(Settings(data=ringfence.data))
    more = {"containment_id": contoso.containment_id, "holder": "person:other", "reason": "x"}
    seen = sa.select(tables.containments.c.requested_at).where(tables.containments.c.id == contoso.containment_id)
    app.database.run_now(
        lambda tx: tx.execute(sa.insert(tables.containment_holds).values(**more, held_at=tx.scalar(seen)))
    )
    app.close()
    said = ringfence("incident", "release", str(contoso.incident_number), "--reason", "Clean").stdout
    assert "stays cut off: others hold it" in said
