import sqlalchemy as sa

from cli_world import Ringfence
from contoso import Contoso
from ringfence.settings import Settings
from ringfence.storage.tables import runs


def test_time_saved_is_told_with_what_it_is_worth(ringfence: Ringfence, contoso: Contoso) -> None:
    assert "Nothing was counted." in ringfence("run", "saved").stderr
    installation = ringfence.open(Settings(data=ringfence.data))
    statement = sa.update(runs).where(runs.c.id == contoso.run_id).values(minutes_saved=90.0)
    installation.database.run_now(lambda tx: tx.execute(statement))
    installation.close()
    assert "1.5 hours; runs that succeeded and count: 1.\n" in ringfence("run", "saved").stdout
    assert "An hour costs 80 EUR." in ringfence("run", "rate", "80", "eur").stdout
    assert "worth 120.00 EUR" in ringfence("run", "saved").stdout
    found = ringfence.json("run", "saved")
    assert (found["minutes"], found["hours"], found["worth"], found["rate"]["currency"]) == (90.0, 1.5, 120.0, "EUR")
    assert ringfence.error("run", "rate", "80", "euros")["code"] == "invalid"
    assert ringfence.json("run", "rate", "0", "EUR")["rate"] == 0
