"""A mail to a real mail server and a message to a real web server; what may not be sent is refused."""

import json
from email.message import EmailMessage

import pytest

from notification_world import mail_server, web_server
from ringfence.errors import Invalid, RingfenceError, Unavailable
from ringfence.notifications.sending import Mail, Security, Service, check, reading, send
from ringfence.notifications.wording import Message, Reading
from ringfence.security.egress import Refused, networks

HERE = networks("127.0.0.1, ::1")
MESSAGE = Message(
    "Ringfence contoso: Cut off?",
    "Cut fin-ws-014 off the network?\nApprove: https://ringfence.test/a",
    "<!DOCTYPE html><html><body>Cut fin-ws-014 off the network?</body></html>",
)


def mail(port: int, **values: object) -> Mail:
    given = {"host": "127.0.0.1", "port": port, "security": Security.NONE, "sender": "ringfence@contoso.com"}
    return Mail(**(given | {"to": ("soc@contoso.com", "ines@contoso.com")} | values))  # type: ignore[arg-type]


def test_a_mail_arrives_as_text_and_as_html_with_an_id_that_stays_the_same() -> None:
    with mail_server() as (port, mails):
        for _ in range(2):
            send(mail(port), MESSAGE, mark="e-1", allowed=HERE)
    first, second = mails
    assert first["subject"] == MESSAGE.title
    assert first["to"] == "soc@contoso.com, ines@contoso.com"
    assert first["message-id"] == second["message-id"] == "<e-1@contoso.com>"
    plain, html = first.iter_parts()
    assert isinstance(plain, EmailMessage)
    assert isinstance(html, EmailMessage)
    assert (plain.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n").strip() == MESSAGE.text
    assert html.get_content().strip() == MESSAGE.html
    assert first["auto-submitted"] == "auto-generated"


def test_a_message_reaches_a_service_by_apprise() -> None:
    with web_server() as (port, bodies):
        send(Service(f"json://127.0.0.1:{port}/hook"), MESSAGE, mark="e-1", allowed=HERE)
    (body,) = bodies
    assert json.loads(body)["title"] == MESSAGE.title
    assert json.loads(body)["message"] == MESSAGE.text


def test_a_service_that_refuses_is_told_without_its_address() -> None:
    with web_server(500) as (port, _), pytest.raises(Unavailable, match="json") as caught:
        send(Service(f"json://user:s3cret@127.0.0.1:{port}/token"), MESSAGE, mark="e-1", allowed=HERE)
    assert "s3cret" not in str(caught.value)
    assert "token" not in str(caught.value).replace("its token", "")


def test_private_addresses_are_refused_unless_they_are_open() -> None:
    with web_server() as (port, bodies), mail_server() as (mail_port, mails):
        for target in (Service(f"json://127.0.0.1:{port}/"), Service(f"json://localhost:{port}/"), mail(mail_port)):
            with pytest.raises(Refused, match="not a public address"):
                send(target, MESSAGE, mark="e-1", allowed=())
    assert bodies == []
    assert mails == []


def test_a_mail_server_that_is_not_there_is_told_in_words() -> None:
    with mail_server() as (port, _):
        gone = mail(port)
    with pytest.raises(Unavailable, match="ConnectionRefusedError"):
        send(gone, MESSAGE, mark="e-1", allowed=HERE)


def test_a_mail_server_without_starttls_gets_nothing_where_it_is_wanted() -> None:
    with mail_server() as (port, mails), pytest.raises(Unavailable, match="SMTPNotSupportedError"):
        send(mail(port, security=Security.STARTTLS, user="u", password="p"), MESSAGE, mark="e-1", allowed=HERE)
    assert mails == []


@pytest.mark.parametrize(
    "address",
    [
        "",
        "nonsense",
        "file:///etc/passwd",
        "dbus://",
        "syslog://",
        "fcm://project/token?keyfile=/etc/passwd",
        "mailto://user:pass@contoso.com",
        "json://hooks.contoso.com/?verify=no",
        "slack://TokenA/TokenB/TokenC/?template=/etc/passwd",
        "slack://",
        "json://hooks.contoso.com/?%74emplate=/etc/passwd",
    ],
)
def test_addresses_that_name_this_machine_or_weaken_the_proof_are_refused(address: str) -> None:
    with pytest.raises(Invalid):
        check(Service(address))


@pytest.mark.parametrize(
    "values",
    [
        {"host": " "},
        {"to": ()},
        {"to": ("soc",)},
        {"to": ("soc@contoso.com\r\nBcc: all@contoso.com",)},
        {"sender": "x@y\n.com"},
        {"user": "u", "password": "p"},
    ],
)
def test_mail_that_cannot_be_meant_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(RingfenceError):
        check(mail(25, **values))
    with pytest.raises(Invalid):
        check(mail(0))


def test_what_is_shown_holds_no_secret() -> None:
    service = Service("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/")
    assert service.shown == "slack://…"
    assert "TIiaj" not in repr(service)
    assert "hush" not in repr(mail(25, user="u", password="hush"))
    assert reading(service) is Reading.CHAT
    assert reading(mail(25)) is Reading.PLAIN
    check(service)


def test_what_goes_to_another_machine_without_tls_is_known() -> None:
    plain = (
        mail(25, host="smtp.contoso.com"),
        Service("json://hooks.contoso.com/x"),
        Service("ntfy://ops.contoso.com/t"),
    )
    fine = (
        mail(25),
        mail(587, host="smtp.contoso.com", security=Security.STARTTLS),
        Service("json://localhost:8080/x"),
        Service("jsons://hooks.contoso.com/x"),
        Service("slack://a/b/c"),
    )
    assert [each.plain for each in (*plain, *fine)] == [True] * 3 + [False] * 5
