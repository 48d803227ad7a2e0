"""A stored run of the organization of a containment world, for tests of what actions reach."""

from containment_world import World
from ringfence import clock
from ringfence.runs.model import Run
from ringfence.storage.tables import runs
from run_world import Stage


def run_of(world: World) -> Run:
    """Make a stored run of the world's organization."""
    stage = Stage.set(world.database, {"one": {"action": "contoso.pure"}})
    clock.replace(world.simulator.clock.now)
    made = stage.request()
    world.database.run_now(
        lambda tx: tx.execute(runs.update().where(runs.c.id == made).values(organization_id=world.organization_id))
    )
    return Run(
        id=made,
        organization_id=world.organization_id,
        organization_name="Contoso",
        playbook_id=stage.playbook_id,
        playbook_name="Example",
        playbook_version_id=stage.version_id,
        version="1.2",
        source="",
        account_id=world.account_id,
        alert_id=None,
        trigger={},
        alert=None,
        fence=1,
        nudges=0,
        segment=1,
        requested_at=clock.now(),
        resumed=False,
    )
