"""How the actions of this connector write what they found, and refuse what makes no sense, in one way."""

from collections.abc import Mapping
from datetime import datetime

from ringfence.actions import ActionError, Context, Duration, Json, Listing, fitting


def listed(context: Context, found: Listing) -> Json:
    """Give the `items` of a list that fit into an output, and say whether there are `more`."""
    kept = fitting(found.items)
    more = found.cut or len(kept) < len(found.items)
    if more:
        context.log("warn", f"There are more than the {len(kept)} that this step gives.", kept=len(kept))
    return {"items": kept, "more": more}


def since(context: Context, within: Duration | None) -> datetime | None:
    """Give the moment at which a stretch of time before now began."""
    return context.now() - within.timedelta if within else None


def hours(look_back: Duration | None) -> int | None:
    """Give how far to look back as Microsoft counts it; ActionError if that is not 1 h to 30 d."""
    if look_back is None:
        return None
    whole = int(look_back.seconds // 3600)
    if not 1 <= whole <= 720:
        message = f"{look_back} cannot be looked back."
        raise ActionError(message, code="invalid-inputs", permanent=True, advice="Look back between 1 h and 30 d.")
    return whole


def in_zone(moment: datetime) -> datetime:
    """Give a moment back; ActionError if it has no time zone."""
    if moment.tzinfo is None:
        message = f"The time {moment.isoformat()} has no time zone."
        raise ActionError(message, code="no-time-zone", permanent=True, advice="Write it with a Z at the end for UTC.")
    return moment


def some_change(changes: Mapping[str, object], advice: str) -> None:
    """Refuse a change that changes nothing."""
    if not any(changes.values()):
        message = "There is nothing to change."
        raise ActionError(message, code="nothing-to-do", permanent=True, advice=advice)
