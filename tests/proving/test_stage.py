from pathlib import Path

from ringfence import clock
from ringfence.playbooks import library
from ringfence.playbooks.checks.base import example
from ringfence.playbooks.document import read
from ringfence.playbooks.proof import Component, Subject
from ringfence.proving.stage import a_stage, prepared, pretended
from ringfence.services import records
from ringfence.simulator.specs import AlertSpec

TEXT = example(
    "one: {action: containment.contain, with: {machine: x, reason: y}}", trigger="{type: defender.alert, service: Day}"
)


async def test_each_stage_is_new_knows_the_names_of_the_version_and_tells_the_time(tmp_path: Path) -> None:
    playbook = read(TEXT).playbook
    assert playbook is not None
    subject = Subject(
        source=TEXT, components=(Component(name="In", version="2.7", source="x"),), services={"Day": "fabrikam"}
    )
    empty = prepared(tmp_path / "empty")
    async with a_stage(empty, tmp_path / "one", subject, playbook) as stage:
        assert stage.account == "fabrikam"
        (service,) = stage.app.database.read_now(lambda tx: records.of_account(tx, stage.account_id))
        assert service.name == "Day"
        assert stage.machine.id == pretended().id
        before = clock.timestamp()
        alert = stage.raise_alert(AlertSpec(machine=stage.machine.name))
        stage.advance(60)
        assert clock.timestamp() == before + 61
        assert stage.tenant.find_alert(alert) is not None
        stored = stage.publish(subject)
        assert (stored.name, stored.version) == (playbook.name, "1.0")
        assert stage.app.database.read_now(lambda tx: library.get(tx, stage.organization_id, "In")).version == "2.7"
    assert not (empty / "one").exists()
