"""Mails by which people choose a new password: to a name that is a mail address, by the server of their organization's channel.

Whoever keeps that server can read the mail, and the organization chooses it: so nobody gets one who may do more than work in
that one organization, nor who has no password.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

from ringfence.audit import log
from ringfence.audit.acting import Via
from ringfence.audit.events import Event
from ringfence.errors import RingfenceError
from ringfence.notifications import channels, sending
from ringfence.notifications.sending import Mail
from ringfence.notifications.wording import Message
from ringfence.organizations import members
from ringfence.security import passwords, steps
from ringfence.security.crypto import Vault
from ringfence.security.people import User
from ringfence.security.rbac import Role
from ringfence.security.steps import Kind
from ringfence.storage import Transaction

LIFETIME: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that is to be sent, and the server that takes it."""

    target: Mail
    message: Message = field(repr=False)
    user_id: str


def ask(tx: Transaction, vault: Vault, name: str, origin: str) -> Letter | None:
    """Return the mail for somebody who has forgotten their password, None where none may be sent; the newest link counts."""
    user, stored = passwords.find(tx, name) or (None, None)
    if user is None or stored is None:
        return None
    target = _server(tx, vault, user)
    if target is None:
        return None
    steps.drop(tx, Kind.RESET, user_id=user.id)
    token = steps.begin(tx, Kind.RESET, {}, user_id=user.id, lifetime=LIFETIME)
    said = {"name": user.name}
    log.write(
        tx, Event.PASSWORD_RESET_ASKED, user.organization_id, user.id, details=said, actor="somebody", via=Via.PAGE
    )
    minutes = int(LIFETIME.total_seconds() // 60)
    text = (
        f"Somebody, perhaps you, asked to choose a new password for {user.name}.\n\n"
        f"{origin}/sign-in/reset?{urlencode({'token': token})}\n\n"
        f"The address works once, for {minutes} minutes. If it was not you, leave it: nothing has changed."
    )
    return Letter(target, Message("Ringfence: choose a new password", text), user.id)


def _server(tx: Transaction, vault: Vault, user: User) -> Mail | None:
    places = members.places(tx, user.id)
    if len(places) != 1 or places[0].role is Role.SYSTEM_ADMINISTRATOR:
        return None
    for each in channels.every(tx, places[0].organization.id):
        if each.kind == channels.MAIL:
            try:
                found = channels.target(tx, vault, each)
                if not isinstance(found, Mail):
                    continue
                mine = replace(found, to=(user.name,))
                sending.check(mine)
            except RingfenceError:
                # Its name is no address of mail, or the channel's secret cannot be opened.
                return None
            return mine
    return None
