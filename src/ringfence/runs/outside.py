"""What runs need to reach services outside: the key of secrets, how notifications are sent, where requests may go."""

from dataclasses import dataclass, field

from ringfence.notifications.delivery import Sender
from ringfence.outbound.calling import Transport, network
from ringfence.outbound.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Outside:
    """Given by the composition root, one for each process; `hosts` are all that the installation calls, None: any."""

    sender: Sender
    hosts: frozenset[str] | None = None
    transport: Transport = network
    tokens: Tokens = field(default_factory=Tokens)
