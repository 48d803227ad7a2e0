import sqlalchemy as sa

from contoso import NOW, seed
from ringfence import clock
from ringfence.playbooks.masks import Masks
from ringfence.runs import masked
from ringfence.storage import Database, Transaction
from ringfence.storage.tables import playbook_versions, step_runs
from run_world import Stage


def test_the_masks_of_a_run_are_those_of_its_version_and_the_longest_text_goes_first(embedded: Database) -> None:
    clock.replace(NOW.timestamp)
    contoso = embedded.run_now(seed)
    assert embedded.read_now(lambda tx: masked.masked_texts(tx, [contoso.run_id])) == {}

    def put(tx: Transaction) -> None:
        steps = "  machine: {action: a.b, mask: [user, input.key]}\n"
        source = f"ringfence: 1\nname: n\ntrigger: {{type: manual}}\nsteps:\n{steps}"
        tx.execute(sa.update(playbook_versions).values(source=source))
        mine = (step_runs.c.run_id == contoso.run_id) & (step_runs.c.step == "machine")
        values = {"input": {"key": "secret-key"}, "output": {"user": "megan", "key": "shown"}}
        tx.execute(sa.update(step_runs).where(mine).values(**values))

    embedded.run_now(put)
    assert embedded.read_now(lambda tx: masked.masks_of(tx, [contoso.run_id])) == {
        contoso.run_id: {"machine": Masks.of(["user", "input.key"])}
    }
    found = embedded.read_now(lambda tx: masked.masked_texts(tx, [contoso.run_id]))
    assert found == {contoso.run_id: ("secret-key", "megan")}


async def test_what_a_component_masks_is_hidden_in_the_runs_that_call_it(embedded: Database) -> None:
    call = {"component": "Look", "version": "1.0", "inputs": {"machine": "fin-ws-014"}}
    stage = Stage.set(embedded, {"look": {"action": "playbook.call", "with": call}})
    inner = {"machine": {"action": "contoso.read", "with": {"value": "${inputs.machine}"}, "mask": ["input"]}}
    stage.component("Look", inner, inputs={"machine": {"type": "string"}})
    run_id = stage.request()
    assert (await stage.carry(run_id))["status"] == "succeeded"
    assert embedded.read_now(lambda tx: masked.masks_of(tx, [run_id])) == {
        run_id: {"look/machine": Masks.of(["input"])}
    }
    assert embedded.read_now(lambda tx: masked.masked_texts(tx, [run_id]))[run_id] == ("fin-ws-014",)
