"""How many calls a tenant grants: of an API over all its operations, and of the operations that have less (fact book).

Counted only where a tenant's settings say so. What no source tells, and is so here: that calls are counted in a sliding
window; that a call which is refused for a missing permission counts and one that is refused for the quota does not, but on
Graph (documented); that advanced hunting's "at least 45" is 45; that Graph's row for alerts governs alerts_v2 and incidents.
CPU quotas of hunting are not counted, and a restart of the simulator forgets all counts.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

Counting = Literal["off", "shared", "all"]
"""Count nothing, what an API grants over all operations, or the tighter limits of operations as well."""


@dataclass(frozen=True)
class Quota:
    """So many calls in so many seconds, of one application or, where `by_tenant`, of all that a tenant has."""

    calls: int
    seconds: int
    by_tenant: bool = False


SHARED = {
    "defender": (Quota(100, 60), Quota(1_500, 3_600)),
    "xdr": (Quota(50, 60), Quota(1_500, 3_600)),
    "graph": (Quota(150, 60),),
}
"""By the name of the API."""

_HUNTING = Quota(45, 60, by_tenant=True)
OWN = {
    "batch_update_alerts": (Quota(10, 60), Quota(500, 3_600)),
    "create_alert_by_reference": (Quota(15, 60),),
    "get_discovered_vulnerabilities": (Quota(50, 60),),
    "export_software_vulnerabilities": (Quota(30, 60), Quota(1_000, 3_600)),
    "run_live_response": (Quota(10, 60),),
    "get_package_sas_uri": (Quota(2, 60), Quota(120, 3_600)),
    "start_investigation": (Quota(50, 3_600),),
    "import_indicators": (Quota(30, 60),),
    "batch_delete_indicators": (Quota(30, 60),),
    "run_advanced_query": (_HUNTING,),
    "run_advanced_hunting_xdr": (_HUNTING,),
    "graph_run_hunting_query": (_HUNTING,),
}
"""By operation: limits that are tighter than those of its API."""


@dataclass(frozen=True)
class Spent:
    """A quota is spent: which one, and in how many seconds there is room again."""

    quota: Quota
    retry_after: int


@dataclass
class Quotas:
    """The calls of one tenant by quota, the oldest first."""

    _calls: dict[tuple[object, ...], deque[float]] = field(default_factory=dict)

    def take(self, counting: Counting, api: str, operation: str, client_id: str, now: float) -> Spent | None:
        """Count a call, or say which quota is spent."""
        found = [(quota, self._window(key, quota, now)) for key, quota in _of(counting, api, operation, client_id)]
        spent = [(quota, window) for quota, window in found if len(window) >= quota.calls]
        if not spent or api == "graph":
            for quota, window in found:
                window.append(now)
                # A client that asks for ever may not fill the memory.
                while len(window) > 2 * quota.calls:
                    window.popleft()
        if not spent:
            return None
        waits = [(window[-quota.calls] + quota.seconds - now, quota) for quota, window in spent]
        longest, quota = max(waits, key=lambda wait: wait[0])
        return Spent(quota, max(1, math.ceil(longest)))

    def _window(self, key: tuple[object, ...], quota: Quota, now: float) -> deque[float]:
        window = self._calls.setdefault(key, deque())
        while window and window[0] <= now - quota.seconds:
            window.popleft()
        return window


def _of(counting: Counting, api: str, operation: str, client_id: str) -> Iterator[tuple[tuple[object, ...], Quota]]:
    if counting == "off":
        return
    for quota in SHARED[api]:
        yield (api, client_id, quota), quota
    for quota in OWN.get(operation, ()) if counting == "all" else ():
        yield (operation, None if quota.by_tenant else client_id, quota), quota
