from accounts_samples import an_organization
from ringfence import clock
from ringfence.playbooks.offered import offered
from ringfence.storage import Database, Transaction, tables

COMPONENT = """\
ringfence: 1
kind: component
name: Look up a host
inputs:
  machine: {type: string, required: true, description: Which}
outputs:
  risk: {type: string, value: "${steps.machine.riskScore}"}
steps:
  machine: {action: defender.get_machine, with: {machine: "${inputs.machine}"}}
"""


def test_components_are_offered_with_what_each_version_takes_and_gives_and_nothing_else_is(embedded: Database) -> None:
    organization = an_organization(embedded)

    def put(tx: Transaction, name: str, state: str, *versions: tuple[int, str]) -> None:
        own, now = clock.new_id(), clock.now()
        row = {"id": own, "organization_id": organization, "name": name, "state": state}
        tx.execute(tables.playbooks.insert().values(**row, created_at=now, updated_at=now))
        for minor, source in versions:
            values = {"id": clock.new_id(), "playbook_id": own, "major": 1, "minor": minor, "source": source}
            tx.execute(tables.playbook_versions.insert().values(**values, published_at=now, published_by="megan"))

    def fill(tx: Transaction) -> None:
        put(
            tx,
            "Look up a host",
            "active",
            (0, COMPONENT),
            (1, COMPONENT.replace("type: string, req", "type: list, req")),
        )
        put(tx, "Old", "retired", (0, COMPONENT))
        put(tx, "Not one", "active", (0, "ringfence: 1\nname: component\ntrigger: {type: manual}\nsteps: {}\n"))
        put(tx, "Unreadable", "active", (0, "kind: component: x"))

    embedded.run_now(fill)
    found = embedded.read_now(lambda tx: offered(tx, organization))
    assert [(each.name, each.version) for each in found] == [("Look up a host", "1.1"), ("Look up a host", "1.0")]
    assert found[0].to_json()["inputs"]["machine"]["type"] == "list"
    assert found[1].to_json()["inputs"]["machine"] == {
        "type": "string",
        "required": True,
        "default": None,
        "description": "Which",
    }
    assert found[1].to_json()["outputs"] == {"risk": {"type": "string", "description": ""}}
    assert embedded.read_now(lambda tx: offered(tx, "other")) == ()
