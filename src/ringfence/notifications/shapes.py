"""Read the forms in which people describe channels and rules, the same everywhere. Pure but for what it checks."""

from collections.abc import Sequence
from typing import Final

from ringfence.errors import Invalid
from ringfence.notifications.channels import PAUSE, NewChannel
from ringfence.notifications.routing import Who
from ringfence.notifications.sending import Mail, Security, Service, Target
from ringfence.playbooks.durations import Duration

USUAL_PORTS: Final = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}
_KINDS: Final = {"channel": "channels", "person": "people", "team": "teams", "address": "addresses"}


def new_channel(
    name: str,
    *,
    address: str = "",
    to: Sequence[str] = (),
    host: str = "",
    port: int | None = None,
    security: str = Security.STARTTLS,
    sender: str = "",
    user: str = "",
    password: str = "",
    person: str = "",
    events: Sequence[str] = (),
    pause: float = PAUSE,
    quiet: str = "",
    by_rules: bool = False,
) -> NewChannel:
    """Return the channel that is meant: a service by its `address`, or mail `to` somebody by a server; Invalid if neither is.

    `port` is by default that of the security: 587 for starttls, 465 for tls, 25 for none.
    """
    target: Target
    if address.strip():
        if to or host:
            raise Invalid("A channel is a service or a mail, not both.", advice="Leave one of them out.")
        target = Service(address.strip())
    elif host.strip():
        if security not in list(Security):
            raise Invalid(f"There is no protection {security[:40]!r}.", advice=f"Use one of: {', '.join(Security)}.")
        protection = Security(security)
        people = tuple(each.strip() for each in to if each.strip())
        target = Mail(
            host.strip(),
            port or USUAL_PORTS[protection],
            protection,
            sender.strip() or (people or ("",))[0],
            people,
            user.strip(),
            password,
        )
    else:
        raise Invalid(
            "A channel leads somewhere.", advice="Give the address of a service, or a mail server and addresses."
        )
    return NewChannel(name, target, person.strip() or None, tuple(events), pause, quiet, by_rules)


def who(recipients: Sequence[str]) -> Who:
    """Read whom a rule tells: `soc` (a channel), `person:ines`, `team:tier-2`, or a mail address."""
    found: dict[str, list[str]] = {"channels": [], "people": [], "teams": [], "addresses": []}
    for given in recipients:
        text = given.strip()
        kind, mark, name = text.partition(":")
        if mark and kind in _KINDS:
            found[_KINDS[kind]].append(name.strip())
        elif text:
            found["addresses" if "@" in text else "channels"].append(text)
    return Who(**{kind: tuple(names) for kind, names in found.items()})


def wait(text: str) -> float | None:
    """Read after how long others are called (`15 min`): seconds, None for an empty text, Invalid for any other."""
    if not text.strip():
        return None
    try:
        return Duration.parse(text.strip()).seconds
    except ValueError as error:
        raise Invalid(str(error)) from None
