"""What the pages need of the rest, given by the composition root."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from ringfence.accounts.service import Accounts
from ringfence.accounts.simulated import SimulatedTenant
from ringfence.deeds import Act, ChangeAlert, Compare, Contain, Explain, Release, Try, TryService
from ringfence.defender import Limits
from ringfence.listeners.receiving import Receiver
from ringfence.notifications.delivery import Sender
from ringfence.settings import Settings
from ringfence.storage import Database


@dataclass(frozen=True, slots=True)
class Services:
    """What pages read from and act through. Setting `stopping` ends all live streams, so that the server can stop.

    `simulated` is the pretend tenant that people may connect, None where none can be reached by all workers.
    """

    database: Database
    settings: Settings
    contain: Contain
    release: Release
    receiver: Receiver
    compare: Compare
    explain: Explain
    sender: Sender
    dry_run: Try
    change_alert: ChangeAlert
    accounts: Callable[[], AbstractAsyncContextManager[Accounts]]
    act: Act
    try_service: TryService
    limits: Limits = field(default_factory=Limits)
    simulated: SimulatedTenant | None = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
