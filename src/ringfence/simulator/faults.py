"""Faults that a test or a demonstration orders: throttling, errors, slowness, lost replies, wrong clocks, odd bodies."""

import fnmatch
import random
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ringfence.simulator.strict import Spec

Kind = Literal[
    "status",
    "burst",
    "latency",
    "half_open",
    "drop_reply_after_effect",
    "drop_before_effect",
    "malformed_body",
    "token_error",
    "token_expired",
    "clock_skew",
    "late_finish",
    "late_items",
    "reordered_items",
    "duplicated_page",
    "schema_drift",
]
_LONGEST_WAIT = 600
_NEEDS = {
    "clock_skew": ("skew", "seconds by which the service's clock is ahead, negative if it is behind"),
    "schema_drift": ("rename", "old names and new ones, for instance {computerDnsName: deviceDnsName}"),
}


class Fault(Spec):
    """A fault for requests that fit `operation` or `path` (a pattern with *), `tenant` and `method`.

    `times` null goes on for ever; `skip` lets the first so many through; `at` is the scenario second from which the
    fault is there and `lasting` how many scenario seconds it stays. `retry_after_date` writes a Retry-After header as
    an HTTP date so many seconds ahead; `headers` are sent as they are. `code` is an AADSTS number. `seconds` is how
    long latency and half_open hold a request, how much longer late_finish lets an action take, and how young items
    are that late_items keeps back.
    """

    operation: str | None = None
    path: str | None = None
    method: str | None = None
    tenant: str | None = None
    kind: Kind
    status: int = Field(500, ge=100, le=599)
    statuses: list[int] = Field(default_factory=lambda: [500, 502, 503, 504], min_length=1)
    body: Any = None
    headers: dict[str, str] = Field(default_factory=dict)
    retry_after_date: float | None = None
    seconds: float = Field(1.0, ge=0)
    skew: float | None = Field(None, ge=-1_000_000_000, le=1_000_000_000)
    rename: dict[str, str] | None = Field(None, min_length=1)
    code: int = 7_000_215
    at: float = Field(0.0, ge=0)
    lasting: float | None = Field(None, gt=0)
    times: int | None = Field(1, ge=1)
    skip: int = Field(0, ge=0)
    probability: float = Field(1.0, ge=0, le=1)
    seed: int = 0
    id: int = 0
    seen: int = 0
    fired: int = 0
    ends_at: float | None = None

    @field_validator("statuses")
    @classmethod
    def _server_errors(cls, values: list[int]) -> list[int]:
        if not all(500 <= value <= 599 for value in values):
            raise ValueError("the statuses of a burst are between 500 and 599; use kind status for others")
        return values

    @model_validator(mode="after")
    def _aimed(self) -> "Fault":
        if self.operation is None and self.path is None:
            raise ValueError(
                "a fault needs an operation (for instance isolate_machine) or a path (for instance /api/*)"
            )
        name, meaning = _NEEDS.get(self.kind, ("kind", ""))
        if getattr(self, name) is None:
            raise ValueError(f"a fault of kind {self.kind} needs {name}: {meaning}")
        if self.kind == "half_open" and self.seconds > _LONGEST_WAIT:
            raise ValueError(f"a half-open connection lasts at most {_LONGEST_WAIT} seconds")
        return self

    def fits(self, operation: str | None, method: str, path: str, tenants: tuple[str, ...]) -> bool:
        """Tell whether a request is meant; `tenants` holds the id and the name of its tenant."""
        return (
            (self.operation is None or self.operation == operation)
            and (self.path is None or fnmatch.fnmatchcase(path.lower(), self.path.lower()))
            and (self.method is None or self.method.upper() == method)
            and (self.tenant is None or self.tenant in tenants)
        )

    def fires(self) -> bool:
        """Count a request that fits and tell whether the fault strikes."""
        self.seen += 1
        if self.seen <= self.skip or (self.times is not None and self.fired >= self.times):
            return False
        if self.probability < 1 and random.Random(f"{self.seed}/{self.seen}").random() >= self.probability:
            return False
        self.fired += 1
        return True

    def next_status(self) -> int:
        """Return the status of the reply that the fault just struck."""
        return self.statuses[(self.fired - 1) % len(self.statuses)] if self.kind == "burst" else self.status


class Faults:
    """Hold the faults in the order in which they were added; `waiting` are those of the scenario that are still to come.

    `last_pages` keeps the body of the last list by operation and tenant, while a duplicated_page is ordered.
    """

    def __init__(self) -> None:
        self.items: list[Fault] = []
        self.waiting: list[Fault] = []
        self.last_pages: dict[tuple[str, str], bytes] = {}
        self._number = 0

    def add(self, fault: Fault) -> Fault:
        """Add a fault and give it its id."""
        fault.id = self._next_id()
        self.items.append(fault)
        return fault

    def plan(self, faults: list[Fault]) -> list[Fault]:
        """Take in faults that begin at a scenario second that is still to come, and give them their ids."""
        planned = [fault.model_copy(update={"id": self._next_id()}) for fault in faults]
        self.waiting = sorted([*self.waiting, *planned], key=lambda fault: fault.at)
        return planned

    def begin(self) -> Fault:
        """Let the first of the waiting faults begin."""
        fault = self.waiting.pop(0)
        self.items.append(fault)
        return fault

    def _next_id(self) -> int:
        self._number = max([self._number, *(item.id for item in [*self.items, *self.waiting])]) + 1
        return self._number

    def clear(self, fault_id: int | None = None) -> int:
        """Remove one fault, or all, and return how many went."""
        before = len(self.items) + len(self.waiting)
        self.items = [fault for fault in self.items if fault_id not in (None, fault.id)]
        self.waiting = [fault for fault in self.waiting if fault_id not in (None, fault.id)]
        if not self.doubling:
            self.last_pages.clear()
        return before - len(self.items) - len(self.waiting)

    @property
    def doubling(self) -> bool:
        """Whether pages have to be remembered."""
        return any(fault.kind == "duplicated_page" for fault in self.items)

    def strike(
        self, operation: str | None, method: str, path: str, tenants: tuple[str, ...], now: float = 0.0
    ) -> list[Fault]:
        """Return the faults that strike a request: any latency, and the first of another kind."""
        struck: list[Fault] = []
        for fault in self.items:
            decided = any(other.kind != "latency" for other in struck)
            if (
                (fault.kind == "latency" or not decided)
                and (fault.ends_at is None or now < fault.ends_at)
                and fault.fits(operation, method, path, tenants)
                and fault.fires()
            ):
                struck.append(fault)
        return struck
