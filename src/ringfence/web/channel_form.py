"""The form of a channel, as it was typed: for a new one and for one that is changed."""

from dataclasses import dataclass, field, replace
from typing import Annotated, Final

from fastapi import Form

from ringfence.errors import Invalid
from ringfence.notifications import channels
from ringfence.notifications.channels import Channel, NewChannel
from ringfence.notifications.editing import Wanted
from ringfence.notifications.sending import Mail
from ringfence.notifications.shapes import USUAL_PORTS, new_channel

_SHOWN: Final = ("name", "host", "port", "security", "to", "sender", "user", "person", "pause", "quiet")


@dataclass(frozen=True, slots=True)
class Typed:
    """What the form says; `shown` are the fields that a page may say back, which are those that hold no secret."""

    name: str = ""
    address: str = field(default="", repr=False)
    host: str = ""
    port: str = ""
    security: str = "starttls"
    to: str = ""
    sender: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    person: str = ""
    pause: str = f"{channels.PAUSE:g}"
    quiet: str = ""
    event: tuple[str, ...] = ()
    by_rules: str = ""

    @classmethod
    def of(cls, channel: Channel, mail: Mail | None) -> "Typed":
        """Return what a channel says of itself, by the mail server that it writes to if it does."""
        said = cls(
            name=channel.name,
            person=channel.person or "",
            pause=f"{channel.pause:g}",
            quiet=channel.quiet,
            event=channel.events,
            by_rules="on" if channel.by_rules else "",
        )
        if mail is None:
            return said
        return replace(
            said,
            host=mail.host,
            port="" if mail.port == USUAL_PORTS[mail.security] else str(mail.port),
            security=mail.security.value,
            to=" ".join(mail.to),
            sender="" if mail.sender == mail.to[0] else mail.sender,
            user=mail.user,
        )

    @property
    def shown(self) -> tuple[str, ...]:
        """The names of the fields that a page may say back."""
        return _SHOWN

    @property
    def addresses(self) -> list[str]:
        """The mail addresses that it is to write to."""
        return self.to.replace(",", " ").split()

    def new(self) -> NewChannel:
        """Return the channel that is meant; Invalid for what cannot be one."""
        return new_channel(
            self.name,
            address=self.address,
            to=self.addresses,
            host=self.host,
            port=_whole(self.port, "port") or None,
            security=self.security,
            sender=self.sender,
            user=self.user,
            password=self.password,
            person=self.person,
            events=self.event,
            pause=_seconds(self.pause),
            quiet=self.quiet,
            by_rules=bool(self.by_rules),
        )

    def wanted(self, channel: Channel) -> Wanted:
        """Return what is to be changed of a channel; a secret that was not typed stays. Invalid for what cannot be read."""
        settings = Wanted(
            name=self.name,
            person=self.person,
            events=self.event,
            pause=_seconds(self.pause),
            quiet=self.quiet,
            by_rules=bool(self.by_rules),
        )
        return self._leading(settings, mails=channel.kind == channels.MAIL)

    def _leading(self, settings: Wanted, *, mails: bool) -> Wanted:
        typed_mail = bool(self.addresses or self.host.strip())
        if self.address.strip():
            return replace(settings, address=self.address, to=self.addresses, host=self.host)
        if not mails and not typed_mail:
            return settings
        return replace(
            settings,
            to=self.addresses,
            host=self.host,
            port=_whole(self.port, "port"),
            security=self.security,
            sender=self.sender,
            user=self.user,
            password=self.password,
        )


def typed(
    name: Annotated[str, Form(max_length=200)] = "",
    address: Annotated[str, Form(max_length=1_000)] = "",
    host: Annotated[str, Form(max_length=300)] = "",
    port: Annotated[str, Form(max_length=10)] = "",
    security: Annotated[str, Form(max_length=20)] = "starttls",
    to: Annotated[str, Form(max_length=4_000)] = "",
    sender_address: Annotated[str, Form(alias="sender", max_length=300)] = "",
    user: Annotated[str, Form(max_length=300)] = "",
    password: Annotated[str, Form(max_length=1_000)] = "",
    person: Annotated[str, Form(max_length=200)] = "",
    pause: Annotated[str, Form(max_length=20)] = f"{channels.PAUSE:g}",
    quiet: Annotated[str, Form(max_length=100)] = "",
    event: Annotated[list[str] | None, Form()] = None,
    by_rules: Annotated[str, Form(max_length=10)] = "",
) -> Typed:
    """Read the form."""
    mail = (host, port, security, to, sender_address, user, password)
    return Typed(name, address, *mail, person, pause, quiet, tuple(event or ()), by_rules)


def _whole(text: str, what: str) -> int:
    if not text.strip():
        return 0
    if not text.strip().isascii() or not text.strip().isdecimal():
        raise Invalid(f"The {what} is a number.")
    return int(text)


def _seconds(text: str) -> float:
    try:
        return float(text.strip() or 0)
    except ValueError:
        raise Invalid("The seconds between two messages are a number.") from None
