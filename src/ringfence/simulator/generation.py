"""Many alerts in few lines of a scenario: which one comes when, and on which machine, follows from the seed."""

from ringfence.simulator import ids, portal
from ringfence.simulator.specs import AlertSpec, Generate
from ringfence.simulator.tenant import Tenant

_HOUR = 3_600

Pools = dict[str, list[str]]


def backlog(tenant: Tenant, now: float) -> None:
    """Raise the generated alerts that lie before the scenario began, each at its own past moment."""
    pools: Pools = {}
    for part in range(len(tenant.generate)):
        while (offset := _next_offset(tenant, part)) is not None and offset < 0:
            raise_next(tenant, part, now + offset, pools)


def following(tenant: Tenant) -> tuple[float, int] | None:
    """Return the scenario second of the next generated alert, and which part of the tenant's list makes it."""
    offsets = ((_next_offset(tenant, part), part) for part in range(len(tenant.generate)))
    return min(((offset, part) for offset, part in offsets if offset is not None), default=None)


def raise_next(tenant: Tenant, part: int, at: float, pools: Pools | None = None) -> None:
    """Raise the next alert of a part; `pools` keeps the names that a beginning stands for, from one call to the next."""
    number = tenant.generated[part]
    tenant.generated[part] += 1
    tenant.touch()
    portal.raise_alert(tenant, _alert(tenant, part, number, {} if pools is None else pools), at)


def _next_offset(tenant: Tenant, part: int) -> float | None:
    wanted, number = tenant.generate[part], tenant.generated[part]
    if number >= wanted.alerts:
        return None
    return wanted.from_hour * _HOUR + wanted.over_hours * _HOUR * number / wanted.alerts


def _alert(tenant: Tenant, part: int, number: int, pools: Pools) -> AlertSpec:
    wanted: Generate = tenant.generate[part]
    chance = ids.number(1, sum(kind.weight for kind in wanted.kinds), "kind", tenant.seed, tenant.name, part, number)
    for kind in wanted.kinds:
        chance -= kind.weight
        if chance <= 0:
            break
    if kind.machine not in pools:
        pools[kind.machine] = [name for name in tenant.machine_names if name.startswith(kind.machine.casefold())]
    names = pools[kind.machine]
    name = names[ids.number(0, len(names) - 1, "machine", tenant.seed, tenant.name, part, number)]
    return kind.model_copy(update={"machine": name})
