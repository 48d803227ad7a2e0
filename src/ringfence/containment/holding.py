"""Keep an eye on a host that is held: what somebody outside does to it is reported and never fought over."""

from datetime import timedelta

from ringfence import clock
from ringfence.containment.history import observe, owner_of, released_after
from ringfence.containment.isolating import confirmation
from ringfence.containment.model import Containment, State
from ringfence.containment.reach import Next, Reach, Rest
from ringfence.containment.rounds import next_round
from ringfence.defender.wire import ActionType

# How often a contained host is looked at, to see whether somebody outside let it go: at first, and after the first hour.
WATCH_FIRST = timedelta(minutes=5)
WATCH_LATER = timedelta(minutes=30)


async def watch(reach: Reach, containment: Containment) -> Next:
    """See whether somebody outside released a host that we hold, or is about to."""
    assert containment.machine_id is not None
    assert containment.confirmed_at is not None
    history = reach.seen.history(containment.machine_id, containment.isolate_action_id)
    if history is None:
        history = await reach.history(containment.machine_id)
    released = released_after(history, containment.isolate_action_id)
    if released is not None:
        detail = f"{owner_of(released)} released the host."
        return await reach.move(containment, State.SUPERSEDED, detail, facts={"machine_action": released.raw})
    for action in observe(history).open:
        if action.type == ActionType.UNISOLATE:
            return reach.again(
                containment,
                f"A release of this host by {owner_of(action)} is in progress.",
                since=action.creation_date_time_utc,
            )
    young = clock.now() < containment.confirmed_at + timedelta(hours=1)
    until = next_round(containment.account_id, (WATCH_FIRST if young else WATCH_LATER).total_seconds())
    return Rest(min(until, containment.auto_release_at or until), confirmation(containment))
