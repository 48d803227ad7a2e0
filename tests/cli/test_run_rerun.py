from cli_world import Ringfence
from contoso import Contoso


def test_a_run_is_done_again_from_a_step_on_after_it_was_said_what_that_does(
    ringfence: Ringfence, contoso: Contoso
) -> None:
    said = ringfence("run", "rerun", contoso.run_id, "--from", "release", "--dry-run").stdout
    assert "would do so once more: release (containment.release)." in said
    assert "Kept as recorded, and not done again: facts (jmespath.query)" in said
    ringfence.confirms = False
    assert "Nothing was done." in ringfence("run", "rerun", contoso.run_id, status=1).stderr
    made = ringfence.json("run", "rerun", contoso.run_id, "--from", "release", "--yes", "--by", "megan.bowen")
    assert made["steps"] == ["release"]
    assert [part["name"] for part in made["again"] if part["outside"]] == ["release"]
    run = ringfence.json("run", "show", made["id"])
    assert (run["rerun_of"], run["rerun_from"], run["run_as"]) == (contoso.run_id, ["release"], "megan.bowen")
    assert run["run_credential"].startswith("login ")
    assert [step["step"] for step in run["steps"]][:2] == ["facts", "machine"]
    assert made["id"] in ringfence("run", "show", contoso.run_id).stdout


def test_a_run_under_way_is_not_done_again(ringfence: Ringfence, contoso: Contoso) -> None:
    assert ringfence.error("run", "rerun", contoso.live_run_id)["code"] == "conflict"
    assert ringfence.json("run", "rerun", contoso.run_id, "--dry-run")["kept"] == []
