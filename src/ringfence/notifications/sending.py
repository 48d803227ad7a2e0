"""Send one message: a mail by SMTP, or to a chat or other service by apprise. Blocking: called on a thread, and guarded.

Services are those that people read and that work over the network alone; addresses that name files of this machine, or
switch the check of certificates off, are refused.
"""

import ipaddress
import smtplib
import ssl
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from enum import StrEnum
from functools import cache
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlsplit

from ringfence import clock
from ringfence.errors import Invalid, Unavailable
from ringfence.notifications.wording import Message, Reading
from ringfence.security.egress import Network, guarded

if TYPE_CHECKING:
    from apprise import NotifyBase

_TIMEOUT: Final = 20.0
_DOCUMENTS: Final = "json jsons form forms pagerduty opsgenie splunk victorops"
_CHATS: Final = (
    "slack workflow workflows discord mmost mmosts rocket rockets gchat webex wxteams matrix matrixs zulip tgram ntfy ntfys "
    "gotify gotifys pover signl4 feishu lark ryver twist nctalk nctalks"
)
# With an s after it each of these speaks TLS.
_PLAIN: Final = frozenset(["json", "form", "mmost", "rocket", "matrix", "ntfy", "gotify", "nctalk"])
_SERVICES: Final[Mapping[str, Reading]] = {
    **dict.fromkeys(_DOCUMENTS.split(), Reading.PLAIN),
    **dict.fromkeys(_CHATS.split(), Reading.CHAT),
}
# They name files of this machine, or weaken what is proven about the other side.
_FORBIDDEN: Final = frozenset(
    {"template", "verify", "attach", "config", "include", "keyfile", "path", "subfile", "format"}
)


class Security(StrEnum):
    """How the connection to a mail server is protected."""

    STARTTLS = "starttls"
    TLS = "tls"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Mail:
    """Where mails go, and by which server."""

    host: str
    port: int
    security: Security
    sender: str
    to: tuple[str, ...]
    user: str = ""
    password: str = field(default="", repr=False)

    @property
    def plain(self) -> bool:
        """Whether mails travel to another machine unprotected."""
        return self.security is Security.NONE and not _is_here(self.host)

    @property
    def shown(self) -> str:
        """Where it leads to, without what is secret."""
        return f"{', '.join(self.to)} by {self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Service:
    """A chat or another service, by the address that apprise knows it by; all of it may be secret."""

    address: str = field(repr=False)

    @property
    def scheme(self) -> str:
        """Which service it is."""
        return self.address.partition("://")[0].casefold()

    @property
    def plain(self) -> bool:
        """Whether messages travel to another machine unprotected."""
        return self.scheme in _PLAIN and not _is_here(urlsplit(self.address).hostname or "")

    @property
    def shown(self) -> str:
        """Which service it is, and no more: any other part may be a token."""
        return f"{self.scheme}://…"


Target = Mail | Service


def check(target: Target) -> None:
    """Raise Invalid unless something could be sent there."""
    if isinstance(target, Service):
        _plugin(target)
        return
    if not target.host.strip() or not 0 < target.port < 65_536:
        raise Invalid("A mail server needs a name and a port.", advice="Such as smtp.contoso.com and 587.")
    if not target.to:
        raise Invalid("Nobody would get the mail.", advice="Give one address or more.")
    if target.user and target.security is Security.NONE:
        raise Invalid("A password is never sent unprotected.", advice="Use starttls or tls, or no user.")
    for each in (target.sender, *target.to):
        _address(each)


def reading(target: Target) -> Reading:
    """Return how what is sent there will be read."""
    return Reading.PLAIN if isinstance(target, Mail) else _SERVICES[target.scheme]


def send(target: Target, message: Message, *, mark: str, allowed: tuple[Network, ...]) -> None:
    """Send, or raise Unavailable with the reason, or egress.Refused; `mark` tells the same mail sent twice apart from two."""
    with guarded(allowed):
        if isinstance(target, Mail):
            _mail(target, message, mark)
        else:
            _notify(target, message)


def _notify(target: Service, message: Message) -> None:
    from apprise import NotifyFormat

    plugin = _plugin(target)
    sent = plugin.notify(body=message.text, title=message.title, body_format=NotifyFormat.TEXT)
    if not sent:
        raise Unavailable(
            f"The service behind {target.shown} did not take the message.",
            advice="Check the address and its token, and that the server reaches the service.",
        )


def _plugin(target: Service) -> "NotifyBase":
    # It brings requests, Markdown and more, which most installations' commands and many servers never need.
    from apprise import Apprise, AppriseAsset, NotifyBase, PersistentStoreMode

    if target.scheme not in _SERVICES:
        raise Invalid(
            f"{target.scheme[:40]!r} is not a service that can be used here.",
            advice=f"Use one of: {', '.join(sorted(_SERVICES))}; mail has its own options.",
        )
    given = {
        name.casefold().lstrip("+-:") for name, _ in parse_qsl(urlsplit(target.address).query, keep_blank_values=True)
    }
    if forbidden := sorted(given & _FORBIDDEN):
        raise Invalid(f"The address must not say {forbidden[0]!r}.", advice="Leave this part of the address out.")
    asset = AppriseAsset(
        app_id="Ringfence",
        app_desc="Ringfence",
        app_url="",
        image_url_mask="",
        image_url_logo="",
        storage_mode=PersistentStoreMode.MEMORY,
        plugin_paths=[],
        secure_logging=True,
    )
    _load()
    found = Apprise.instantiate(target.address, asset=asset, suppress_exceptions=True)
    if not isinstance(found, NotifyBase):
        raise Invalid(
            f"This is not a whole address of the service {target.scheme!r}.",
            advice="Copy it as the documentation of apprise writes it for this service.",
        )
    found.socket_connect_timeout = found.socket_read_timeout = _TIMEOUT
    return found


@cache
def _load() -> None:
    """Load apprise's plugins, once; some import what is deprecated, which concerns nobody here."""
    from apprise import Apprise

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Apprise.instantiate("json://localhost", suppress_exceptions=True)


def _mail(target: Mail, message: Message, mark: str) -> None:
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = _address(target.sender)
    mail["To"] = [_address(each) for each in target.to]
    mail["Date"] = format_datetime(clock.now())
    # The same for each attempt, so that a mail that was sent twice can be known for one.
    mail["Message-ID"] = f"<{mark}@{_address(target.sender).domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(f"{message.text}\n")
    if message.html:
        mail.add_alternative(message.html, subtype="html")
    context = ssl.create_default_context()
    try:
        if target.security is Security.TLS:
            server: smtplib.SMTP = smtplib.SMTP_SSL(target.host, target.port, timeout=_TIMEOUT, context=context)
        else:
            server = smtplib.SMTP(target.host, target.port, timeout=_TIMEOUT)
        with server:
            if target.security is Security.STARTTLS:
                server.starttls(context=context)
            if target.user:
                server.login(target.user, target.password)
            refused = server.send_message(mail)
    except (OSError, smtplib.SMTPException) as error:
        # What a server says may hold what it was told; its class and code are enough.
        code = f" {error.smtp_code}" if isinstance(error, smtplib.SMTPResponseException) else ""
        raise Unavailable(
            f"The mail server {target.host}:{target.port} did not take the mail ({type(error).__name__}{code}).",
            advice="Check the server, its port and protection, the user and the addresses.",
        ) from None
    if refused:
        raise Unavailable(
            f"The mail server refused {len(refused)} of {len(target.to)} addresses.", advice="Correct the addresses."
        )


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _address(text: str) -> Address:
    try:
        found = Address(addr_spec=text.strip())
    except (ValueError, IndexError):
        found = Address()
    if not found.domain or not found.username or not text.strip().isascii():
        raise Invalid(f"{text[:100]!r} is not a mail address.", advice="Write it as soc@contoso.com.")
    return found
