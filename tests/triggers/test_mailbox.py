import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.playbooks.triggers import MailboxTrigger
from ringfence.triggers.mailbox import MOST_BYTES, document, fingerprint, match

PLAIN = (
    b"Message-ID: <1@fabrikam.com>\r\nFrom: Ada Lovelace <ada@fabrikam.com>\r\nTo: soc@contoso.com, x@contoso.com\r\n"
    b"Subject: =?utf-8?q?Verd=C3=A4chtige?= Mail\r\nDate: Sat, 31 Jan 2026 12:00:00 +0100\r\n"
    b"Authentication-Results: mx; spf=fail\r\n\r\nPlease look.\r\n"
)
MIXED = (
    b"From: a@fabrikam.com\r\nSubject: invoice\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain; charset=iso-8859-1\r\n\r\nGr\xfc\xdfe\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>hello</p>\r\n"
    b'--b\r\nContent-Type: application/zip; name="a.zip"\r\nContent-Transfer-Encoding: base64\r\n'
    b'Content-Disposition: attachment; filename="invoice.zip"\r\n\r\nUEsDBA==\r\n--b--\r\n'
)


def read(raw: bytes, size: int | None = None) -> dict[str, Any]:
    seen = document("abuse", raw, len(raw) if size is None else size)
    assert json.loads(json.dumps(seen)) == seen
    message = seen["message"]
    assert isinstance(message, dict)
    return message


def test_a_plain_mail_is_read() -> None:
    found = read(PLAIN)
    assert found["message_id"] == "<1@fabrikam.com>"
    assert found["from"] == [{"name": "Ada Lovelace", "address": "ada@fabrikam.com"}]
    assert [each["address"] for each in found["to"]] == ["soc@contoso.com", "x@contoso.com"]
    assert (found["subject"], found["date"]) == ("Verdächtige Mail", "2026-01-31T11:00:00.000Z")
    assert (found["text"].strip(), found["html"], found["attachments"]) == ("Please look.", "", [])
    assert (found["authentication_results"], found["truncated"]) == (["mx; spf=fail"], False)


def test_texts_are_decoded_and_attachments_described() -> None:
    found = read(MIXED)
    assert (found["text"].strip(), found["html"].strip()) == ("Grüße", "<p>hello</p>")
    content = b"PK\x03\x04"
    assert found["attachments"] == [
        {
            "name": "invoice.zip",
            "content_type": "application/zip",
            "size": 4,
            "sha256": hashlib.sha256(content).hexdigest(),
        }
    ]


def test_a_mail_that_was_cut_off_says_so_and_claims_no_digest() -> None:
    cut = MIXED[: MIXED.index(b"UEsD") + 2]
    found = read(cut, 5_000_000)
    assert (found["truncated"], found["size"]) == (True, 5_000_000)
    assert found["attachments"][0]["sha256"] is None


def nested(depth: int) -> bytes:
    head = "".join(
        f'Content-Type: multipart/mixed; boundary="{number}"\r\n\r\n--{number}\r\n' for number in range(depth)
    )
    return f"Subject: deep\r\n{head}Content-Type: text/plain\r\n\r\nhello".encode()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff" * 1000,
        b"no headers at all",
        nested(50),
        nested(5000),
        b"Subject: =?utf-8?b?//?= =?nothing?q?x?= =?punycode?q?" + b"a" * 3000 + b"?=\r\n\r\nx",
        b"Subject: a\r\nContent-Type: text/plain; charset=nothing\r\n\r\n\xff\xfe",
        b"Subject: a\r\nContent-Type: text/plain; charset=punycode\r\n\r\n" + b"a" * 500_000,
        b'Subject: a\r\nContent-Type: text/plain; charset="\xff"\r\n\r\nx',
        b"Subject: a\r\nContent-Transfer-Encoding: base64\r\n\r\n====\xff",
        b"Subject: a\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nbegin 1\r\n\xff",
        b"From: " + b"<" * 100_000 + b"\r\nDate: 99999999999\r\n\r\nx",
        b"From: " + b"(" * 100_000 + b"\r\n\r\nx",
        b"Subject: " + b"x" * 500_000 + b"\r\n\r\nx",
        b"Date: Sat, 31 Jan 99999 99:99:99 +9999\r\n\r\nx",
        b'Content-Disposition: attachment; filename*=nothing\'\'%ff"; filename="\xff"\r\n\r\nx',
        b'Content-Type: multipart/mixed; boundary="b"\r\n\r\n' + b"--b\r\n\r\nx\r\n" * 20_000,
        b"Content-Type: message/rfc822\r\n\r\n" * 300,
        b"Content-Type: text/plain; " + b"a*0=b; " * 20_000 + b"\r\n\r\nx",
    ],
    ids=range(19),
)
def test_hostile_mails_are_read_without_harm(raw: bytes) -> None:
    found = read(raw)
    assert len(json.dumps(found)) < 800_000
    assert len(found["attachments"]) <= 200


@given(st.binary(max_size=300), st.integers(0, len(MIXED)))
def test_whatever_stands_in_a_mail_it_is_read(noise: bytes, at: int) -> None:
    read(MIXED[:at] + noise + MIXED[at:])
    read(noise)


def test_long_texts_are_cut() -> None:
    found = read(b"Subject: a\r\n\r\n" + b"x" * (MOST_BYTES - 14))
    assert len(found["text"]) == 100_000


def test_a_fingerprint_stands_for_the_whole_mail() -> None:
    assert fingerprint(PLAIN) == fingerprint(bytes(PLAIN)) != fingerprint(PLAIN + b" ")
    assert len(fingerprint(b"")) == 64


def test_where_looks_into_the_mail() -> None:
    seen = document("abuse", PLAIN, len(PLAIN))

    def asked(**values: Any) -> bool:
        return match(MailboxTrigger.model_validate({"type": "mailbox", "mailbox": "abuse"} | values), seen).matched

    assert asked()
    assert asked(where="contains(message.subject, 'Mail') && message.from[0].address == 'ada@fabrikam.com'")
    assert not asked(where="message.attachments")
    assert not asked(where="contains(message.nothing, 'x')")
