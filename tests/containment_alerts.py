"""An alert in the simulated tenant that is known here too, for tests of what alerts are told and what proves a containment."""

import json

import sqlalchemy as sa

from containment_world import World
from ringfence import clock
from ringfence.simulator import portal
from ringfence.simulator.specs import AlertSpec
from ringfence.storage.tables import alert_versions, alerts


def an_alert(world: World, host: str = "wks-001", *, title: str = "Ransomware") -> tuple[str, str]:
    """Raise an alert and store it; returns our id and Defender's."""
    spec = AlertSpec(machine=host, title=title)
    name = portal.raise_alert(world.tenant, spec, world.simulator.clock.now())
    alert_id = clock.new_id()
    row = {
        "id": alert_id,
        "organization_id": world.organization_id,
        "account_id": world.account_id,
        "alert_id": name,
        "version": 1,
        "title": title,
        "severity": "High",
        "status": "New",
        "category": "Ransomware",
        "ingested_at": clock.now(),
    }
    version = {
        "alert_id": alert_id,
        "version": 1,
        "fingerprint": "f" * 32,
        "seen_at": clock.now(),
        "raw": json.dumps({"id": name, "title": title}),
    }
    world.database.run_now(lambda tx: tx.execute(sa.insert(alerts).values(row)))
    world.database.run_now(lambda tx: tx.execute(sa.insert(alert_versions).values(version)))
    return alert_id, name


def comments(world: World, name: str) -> list[str]:
    """Return the comments that an alert has in Defender."""
    found = world.tenant.alerts[name].document["comments"]
    return [each["comment"] for each in found if each["comment"]]
