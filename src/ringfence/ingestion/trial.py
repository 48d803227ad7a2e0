"""Try a service: ask its source once, as a poll would, and keep nothing."""

from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ringfence import clock
from ringfence.accounts.proof import describe
from ringfence.defender import DefenderError
from ringfence.errors import RingfenceError
from ringfence.ingestion.poller import ClientSource
from ringfence.ingestion.sources import source
from ringfence.services.model import Service

_SPAN: Final = timedelta(hours=24)
_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Trial:
    """What asking showed: whether it worked, in how many seconds, and how many alerts the first page of a day holds."""

    ok: bool
    sentence: str
    advice: str
    seconds: float
    alerts: int


async def trial(clients: ClientSource, service: Service) -> Trial:
    """Read the first alerts of the last day; never raises for what the account or the tenant answers."""
    began, alerts = clock.timestamp(), 0
    try:
        client = await clients.get(service.account_id)
        origin = source(service.source)
        async with aclosing(origin.pages(client, clock.now() - _SPAN, top=_PAGE)) as pages:
            async for page in pages:
                alerts = len(page)
                break
    except DefenderError as error:
        await clients.report(service.account_id, error)
        return Trial(False, f"Reading alerts failed: {describe(error)}", error.advice, clock.timestamp() - began, 0)
    except RingfenceError as error:
        return Trial(False, error.message, error.advice, clock.timestamp() - began, 0)
    more = " or more" if alerts >= _PAGE else ""
    sentence = f"Reading {origin.title} works; {alerts}{more} were updated in the last day."
    return Trial(True, sentence, "", clock.timestamp() - began, alerts)
