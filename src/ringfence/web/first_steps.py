"""What leads an empty installation to a contained host, a step at a time; each is done when its rows say so, none by a tick."""

from dataclasses import dataclass
from typing import Final

from ringfence.accounts import records
from ringfence.accounts.model import AccountState
from ringfence.containment import board, policies
from ringfence.drills import records as drills
from ringfence.drills.model import State
from ringfence.notifications import channels
from ringfence.playbooks import library
from ringfence.playbooks.library import PlaybookState
from ringfence.security.rbac import Actor, Permission
from ringfence.services import records as services
from ringfence.storage import Transaction

_UNDECIDED: Final = "default"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it is for, where it is done, and whether it is."""

    name: str
    about: str
    address: str
    do: str
    permission: Permission
    done: bool


def read(tx: Transaction, actor: Actor) -> tuple[Step, ...]:
    """Return the steps in their order; none where all are done, or where the rest is not this person's to do."""
    here = actor.organization_id
    counts = board.counts(tx, here)
    rehearsed = any(each.state is State.PASSED for each in drills.listing(tx, here, limit=20))
    found = (
        Step(
            "Connect a tenant",
            "An application in Entra, tested before it is saved. No tenant at hand? A simulated one does for all of these steps.",
            "/accounts/new",
            "Connect",
            Permission.ACCOUNT_MANAGE,
            any(each.state in (AccountState.HEALTHY, AccountState.DEGRADED) for each in records.every(tx, here)),
        ),
        Step(
            "See alerts come",
            "The account's trigger service reads them by itself, from the moment on that you choose.",
            "/services",
            "Look",
            Permission.SERVICE_READ,
            any(each.polled_at is not None for each in services.every(tx, here)),
        ),
        Step(
            "Choose a playbook",
            "Ten come with Ringfence; Contain malware is made for the drill below. It is a draft of yours until you publish it.",
            "/starters",
            "Choose",
            Permission.PLAYBOOK_WRITE,
            any(each.state is PlaybookState.ACTIVE for each in library.every(tx, here)),
        ),
        Step(
            "Rehearse it",
            "A drill contains a device that you name, sees it confirmed, lets it go, and writes a scorecard: about two minutes.",
            "/drills",
            "Start a drill",
            Permission.DRILL_RUN,
            rehearsed or counts.contained > 0,
        ),
        Step(
            "Say what may be contained",
            "Until somebody decides, any host but those that are protected. Choose tagged hosts, limits and who is asked.",
            "/policy",
            "Decide",
            Permission.POLICY_CHANGE,
            policies.standing(tx, here).version != _UNDECIDED,
        ),
        Step(
            "Let people be told",
            "By mail or chat: when a host is held, when somebody must answer, when a credential fails.",
            "/notifications",
            "Add a channel",
            Permission.NOTIFICATION_MANAGE,
            bool(channels.every(tx, here)),
        ),
    )
    open_ones = [each for each in found if not each.done]
    return found if any(actor.may(each.permission) for each in open_ones) and open_ones else ()
