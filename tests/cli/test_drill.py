import sqlalchemy as sa

from cli_world import Ringfence
from contoso import Contoso
from drill_cli import change, prepare
from ringfence.storage.tables import drills

NAME = "tst-001"


def test_drills_are_listed_and_a_scorecard_is_shown(ringfence: Ringfence, contoso: Contoso) -> None:
    prepare(ringfence, contoso)
    assert "drill-passed" in ringfence("drill", "list").stdout
    assert len(ringfence.json("drill", "list")["items"]) == 3
    said = ringfence("drill", "show", "drill-passed").stdout
    for words in ("passed", "warning  protected host refused", "confirmed (12.4 s)", "released (9.0 s)"):
        assert words in said, words
    assert "What failed: released" in ringfence("drill", "show", "drill-failed").stdout
    assert ringfence.json("drill", "show", "drill-failed")["steps"][-1]["mark"] == "failed"
    assert "Test devices" in ringfence("drill", "coverage").stdout
    assert ringfence.json("drill", "coverage", "--days", "7")["items"][0]["passed"] == 1


def test_who_follows_a_drill_sees_its_lines_and_a_status_that_tells_how_it_ended(
    ringfence: Ringfence, contoso: Contoso
) -> None:
    prepare(ringfence, contoso)
    ringfence("drill", "show", "drill-passed", "--follow")

    def end(_: float) -> None:
        over = sa.update(drills).where(drills.c.id == "drill-live").values(state="failed")
        change(ringfence, lambda tx: tx.execute(over))

    ringfence.on_pause = end
    failed = ringfence("drill", "show", "drill-live", "--follow", status=1)
    assert "prepared" in failed.stdout
    assert "did not pass" in failed.stderr


def test_a_real_drill_is_begun_only_after_a_yes_and_guides_through_the_test_file(
    ringfence: Ringfence, contoso: Contoso
) -> None:
    prepare(ringfence, contoso, free=True)
    run = ("drill", "run", "--device", NAME, "--playbook", "Contain ransomware")
    assert "--real" in ringfence(*run, status=1).stderr
    assert "Nobody can be asked" in ringfence(*run, "--real", status=1).stderr
    ringfence.confirms = False
    assert "Nothing was begun" in ringfence(*run, "--real", status=1).stderr
    assert "a real tenant" in ringfence.asked[-1]
    assert "30 min" in ringfence(*run, "--real", "--yes", "--max", "soon", status=1).stderr
    ringfence.confirms = True
    said = ringfence(*run, "--real", "--by", "ines")
    assert "EICAR" in said.stdout
    begun = ringfence.json("drill", "list")["items"][0]
    assert (begun["state"], begun["started_by"], begun["real"]) == ("preparing", "ines", True)
    assert "going on already" in ringfence(*run, "--real", "--yes", status=1).stderr
    assert "released first" in ringfence("drill", "abort", begun["id"]).stdout


def test_nothing_yet_is_said_with_what_to_do(ringfence: Ringfence, contoso: Contoso) -> None:
    prepare(ringfence, contoso, free=True)
    assert "drill run" in ringfence("drill", "list").stderr
    ringfence("drill", "device", "remove", NAME)
    assert "drill device add" in ringfence("drill", "coverage").stderr
    assert "drill device add" in ringfence("drill", "run", "--device", "tst-001", status=1).stderr
