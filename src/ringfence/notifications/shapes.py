"""Read the form in which people describe a channel, the same for page, API and command line. Pure but for what it checks."""

from collections.abc import Sequence

from ringfence.errors import Invalid
from ringfence.notifications.channels import PAUSE, NewChannel
from ringfence.notifications.sending import Mail, Security, Service, Target


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
        by_default = {Security.STARTTLS: 587, Security.TLS: 465, Security.NONE: 25}[protection]
        people = tuple(each.strip() for each in to if each.strip())
        target = Mail(
            host.strip(),
            port or by_default,
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
    return NewChannel(name, target, person.strip() or None, tuple(events), pause, quiet)
