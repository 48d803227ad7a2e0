from pathlib import Path

import pytest

from accounts_samples import an_organization
from cli_world import Ringfence
from ringfence.cli.playbook_prove import tell
from ringfence.playbooks import proofs, trials
from ringfence.playbooks.proof import Proof, Sight, StepProof
from ringfence.storage import Database

CUTS = """\
ringfence: 1
name: Cut
trigger: {type: manual, inputs: {host: {}}}
steps:
  one: {action: containment.contain, with: {machine: "${trigger.input.host}", reason: y, auto_release: 1 h}}
"""


def test_where_a_proof_is_demanded_publishing_proves_first_and_a_reason_goes_without(
    ringfence: Ringfence, tmp_path: Path
) -> None:
    path = tmp_path / "cut.yaml"
    path.write_text(CUTS)
    ringfence("playbook", "rules", "set", "--prove", "demand", "--by", "adele")
    assert "published only when the simulator" in ringfence("playbook", "rules", "show").stdout
    assert "cannot be 'maybe'" in ringfence.error("playbook", "rules", "set", "--prove", "maybe")["message"]
    done = ringfence("playbook", "publish", str(path), "--by", "adele")
    assert "published as version 1.0" in done.stdout
    assert "demand that its release is proven first" in done.stderr
    newest = [each["event"] for each in ringfence.json("audit", "list", "--limit", "3")["items"]]
    assert {"playbook:published", "playbook:proved"} <= set(newest)
    path.write_text(CUTS.replace(", auto_release: 1 h", ""))
    told = ringfence.json("playbook", "publish", str(path), "--unproven", "The lab is closed.", "--by", "adele")
    assert told["playbook"]["version"] == "1.1"
    assert ringfence.json("audit", "list", "--limit", "1")["items"][0]["event"] == "playbook:published_unproven"


def test_what_came_of_a_proof_is_told_step_by_step(embedded: Database, capsys: pytest.CaptureFixture[str]) -> None:
    organization = an_organization(embedded)
    proof = Proof(
        steps=(
            StepProof(
                step="isolate",
                action="containment.contain",
                proven=False,
                scene="a start by hand",
                why="Never let go.",
                advice="Give it a timer.",
                seen=(Sight(after=10.0, what="contained: confirmed"),),
                notes=("Whoever was asked said yes.",),
            ),
            StepProof(step="other", action="containment.contain", proven=True, scene="a start by hand", by="timer"),
        )
    )
    trial = embedded.run_now(lambda tx: proofs.request(tx, organization, CUTS, "Cut", "adele"))
    tell(trial, as_json=False)
    assert "could not be tried" in capsys.readouterr().out
    embedded.run_now(lambda tx: proofs.finish(tx, trial, proof))
    tell(embedded.read_now(lambda tx: trials.get(tx, organization, trial.id)), as_json=False)
    said = capsys.readouterr()
    assert "isolate (containment.contain): not proven. Never let go." in said.out
    assert "other (containment.contain): proven, let go by its timer" in said.out
    for each in ("10 s  contained: confirmed", "Whoever was asked", "Give it a timer.", "played: a start by hand"):
        assert each in said.err
