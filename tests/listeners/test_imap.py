import threading
from typing import Any

import pytest

from dovecot import PASSWORD, Dovecot
from ringfence.errors import Invalid, RingfenceError, Unavailable
from ringfence.listeners.imap import Connection, Refused
from ringfence.listeners.mailboxes import Afterwards, Tls
from ringfence.triggers.mailbox import MOST_BYTES

MAIL = b"From: a@fabrikam.com\r\nSubject: hello\r\n\r\nhello\r\n"


def open_(dovecot: Dovecot, password: str = PASSWORD, **values: Any) -> Connection:
    return Connection(dovecot.mailbox(**values), password)


@pytest.mark.parametrize("tls", list(Tls))
def test_mails_are_read_without_being_marked(dovecot: Dovecot, tls: Tls) -> None:
    dovecot.deliver(MAIL)
    connection = open_(dovecot, tls=tls, port=dovecot.implicit if tls is Tls.IMPLICIT else dovecot.starttls)
    assert connection.next_uid == 2
    assert connection.after(0) == [1]
    # Asked for what is above the newest, a server names the newest all the same.
    assert connection.after(1) == []
    found = connection.fetch(1)
    assert found is not None
    assert (found[0].uid, found[0].raw, found[0].size) == (1, MAIL, len(MAIL))
    assert connection.fetch(2) is None
    assert b"\\Seen" not in dovecot.flags()[0]
    connection.settle(1)
    connection.close()
    assert b"\\Seen" in dovecot.flags()[0]


def test_a_huge_mail_is_read_in_part(dovecot: Dovecot) -> None:
    dovecot.deliver(MAIL + b"x" * 3_000_000)
    connection = open_(dovecot)
    found = connection.fetch(1)
    connection.close()
    assert found is not None
    assert (len(found[0].raw), found[0].size) == (MOST_BYTES, len(MAIL) + 3_000_000)


def test_a_mail_is_moved_where_that_was_asked_for(dovecot: Dovecot) -> None:
    dovecot.deliver(MAIL)
    with pytest.raises(Invalid, match="no folder 'Done'"):
        open_(dovecot, afterwards=Afterwards.MOVE, move_to="Done")
    with dovecot.person() as person:
        person.create_folder("Done")
    connection = open_(dovecot, afterwards=Afterwards.MOVE, move_to="Done")
    connection.settle(1)
    connection.settle(1)
    connection.close()
    assert (len(dovecot.flags()), len(dovecot.flags("Done"))) == (0, 1)


def test_waiting_ends_with_a_new_mail(dovecot: Dovecot) -> None:
    connection = open_(dovecot)
    delivery = threading.Timer(0.2, dovecot.deliver, [MAIL])
    delivery.start()
    connection.wait(lambda: False, renew=30)
    assert connection.after(0) == [1]
    delivery.join()
    connection.wait(lambda: True)
    connection.close()


@pytest.mark.parametrize(
    ("values", "error", "said"),
    [
        ({"port": 1}, Unavailable, "cannot be reached"),
        ({"host": "mail.invalid"}, Unavailable, "cannot be reached"),
        ({"ca": None}, Unavailable, "cannot be secured: self-signed certificate"),
        ({"folder": "Nothing"}, Unavailable, "refused a request"),
    ],
)
def test_what_fails_is_told_with_what_to_do(
    dovecot: Dovecot, values: dict[str, Any], error: type[RingfenceError], said: str
) -> None:
    with pytest.raises(error, match=said) as caught:
        open_(dovecot, **values)
    assert caught.value.advice
    assert PASSWORD not in str(caught.value)


def test_a_wrong_password_is_told_apart(dovecot: Dovecot) -> None:
    with pytest.raises(Refused, match="does not let"):
        open_(dovecot, "wrong")


def test_nothing_is_said_to_a_server_that_offers_no_encryption(dovecot: Dovecot) -> None:
    with pytest.raises(Unavailable):
        open_(dovecot, tls=Tls.IMPLICIT, port=dovecot.starttls)
