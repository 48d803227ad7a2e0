import json

from contoso import STARTER, seed
from ringfence.organizations import service as organizations
from ringfence.playbooks.document import read
from ringfence.rehearsals.desk import Wish
from ringfence.rehearsals.sample import Sample, sample, with_outputs
from ringfence.storage import Database
from webserver import VAULT


def test_expressions_see_the_alert_and_what_steps_gave_in_the_latest_runs(embedded: Database) -> None:
    contoso = embedded.run_now(seed)
    playbook = read(STARTER).playbook
    assert playbook is not None
    found = embedded.read_now(
        lambda tx: sample(
            tx,
            VAULT,
            organizations.get(tx, contoso.organization_id),
            playbook,
            contoso.playbook_id,
            Wish("", alert=contoso.alert_id),
        )
    )
    assert found.runs > 0
    trigger, steps = found.document["trigger"], found.document["steps"]
    assert isinstance(trigger, dict)
    assert isinstance(steps, dict)
    assert trigger["alert"] is not None
    assert steps["machine"] is not None
    assert json.dumps(found.document)


def test_what_a_rehearsal_gave_counts_more_than_what_runs_gave() -> None:
    found = Sample({"trigger": {}, "steps": {"one": {"a": 1}, "two": 2}}, "x")
    assert with_outputs(found, {"one": {"a": 5}, "new": 3})["steps"] == {"one": {"a": 5}, "two": 2, "new": 3}
    assert with_outputs(Sample({"steps": None}, "x"), {"one": 1})["steps"] == {"one": 1}
