"""Faults that a test or a demonstration orders: throttling, errors, slowness, lost replies, broken bodies."""

import fnmatch
import random
from typing import Any, Literal

from pydantic import Field, model_validator

from ringfence.simulator.specs import Spec

Kind = Literal["status", "latency", "drop_reply_after_effect", "drop_before_effect", "malformed_body", "token_error"]


class Fault(Spec):
    """A fault for requests that fit `operation` or `path` (a pattern with *), `tenant` and `method`.

    `times` null goes on for ever; `skip` lets the first so many through. `retry_after_date` writes a Retry-After
    header as an HTTP date so many seconds ahead; `headers` are sent as they are. `code` is an AADSTS number.
    """

    operation: str | None = None
    path: str | None = None
    method: str | None = None
    tenant: str | None = None
    kind: Kind
    status: int = Field(500, ge=100, le=599)
    body: Any = None
    headers: dict[str, str] = Field(default_factory=dict)
    retry_after_date: float | None = None
    seconds: float = Field(1.0, ge=0)
    code: int = 7_000_215
    times: int | None = Field(1, ge=1)
    skip: int = Field(0, ge=0)
    probability: float = Field(1.0, ge=0, le=1)
    seed: int = 0
    id: int = 0
    seen: int = 0
    fired: int = 0

    @model_validator(mode="after")
    def _aimed(self) -> "Fault":
        if self.operation is None and self.path is None:
            raise ValueError(
                "a fault needs an operation (for instance isolate_machine) or a path (for instance /api/*)"
            )
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


class Faults:
    """Hold the faults in the order in which they were added."""

    def __init__(self) -> None:
        self.items: list[Fault] = []
        self._number = 0

    def add(self, fault: Fault) -> Fault:
        """Add a fault and give it its id."""
        self._number = max(self._number, fault.id, *(item.id for item in self.items), 0) + 1
        fault.id = self._number
        self.items.append(fault)
        return fault

    def clear(self, fault_id: int | None = None) -> int:
        """Remove one fault, or all, and return how many went."""
        before = len(self.items)
        self.items = [] if fault_id is None else [fault for fault in self.items if fault.id != fault_id]
        return before - len(self.items)

    def strike(self, operation: str | None, method: str, path: str, tenants: tuple[str, ...]) -> list[Fault]:
        """Return the faults that strike a request: any latency, and the first of another kind."""
        struck: list[Fault] = []
        for fault in self.items:
            decided = any(other.kind != "latency" for other in struck)
            if (
                (fault.kind == "latency" or not decided)
                and fault.fits(operation, method, path, tenants)
                and fault.fires()
            ):
                struck.append(fault)
        return struck
