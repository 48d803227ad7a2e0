import json

from cli_world import Ringfence
from notification_world import mail_server, web_server
from ringfence.app import ORIGIN_FILE
from ringfence.notifications import outbox
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.settings import Settings

OPEN = {"RINGFENCE_EGRESS_PRIVATE": "127.0.0.1"}


def test_a_service_is_added_tested_listed_and_removed(ringfence: Ringfence) -> None:
    assert "Nobody is told" in ringfence("channel", "list").stderr
    with web_server() as (port, bodies):
        address = {"RINGFENCE_CHANNEL_ADDRESS": f"json://u:s3cret@127.0.0.1:{port}/"}
        made = ringfence.json("channel", "add", "soc", "--event", "message", env=address)
        assert made["channel"]["shown"] == "json://…"
        assert "egress_refused" in ringfence("channel", "test", "soc", "--json", status=1).stderr
        assert ringfence("channel", "test", "soc", env=OPEN).stdout == "Sent to json://….\n"
        assert len(bodies) == 1
    assert "s3cret" not in ringfence("channel", "list").stdout
    assert ringfence.json("channel", "list")["items"][0]["events"] == ["message"]
    assert "removed" in ringfence("channel", "remove", "soc").stdout
    assert ringfence.json("notification", "list")["items"] == []
    assert "Nothing was told" in ringfence("notification", "list").stderr


def test_a_mail_reaches_the_person(ringfence: Ringfence) -> None:
    with mail_server() as (port, mails):
        options = ("--to", "ines@contoso.com", "--host", "127.0.0.1", "--port", str(port), "--security", "none")
        ringfence("channel", "add", "ines", *options, "--person", "ines")
        ringfence("channel", "test", "ines", env=OPEN)
    assert "A test of the channel ines" in mails[0]["subject"]


def test_the_events_are_listed_and_what_is_none_is_refused(ringfence: Ringfence) -> None:
    assert "brake_tripped" in ringfence("channel", "events").stdout
    assert any(each["urgent"] for each in ringfence.json("channel", "events")["items"])
    address = {"RINGFENCE_CHANNEL_ADDRESS": "json://hooks.contoso.com/"}
    assert "no event" in ringfence("channel", "add", "x", "--event", "nothing", env=address, status=1).stderr
    assert "leads somewhere" in ringfence("channel", "add", "x", status=1).stderr


def test_a_test_message_links_to_where_a_server_listens_now(ringfence: Ringfence) -> None:
    note = ringfence.data / ORIGIN_FILE
    with web_server() as (port, bodies):
        address = {"RINGFENCE_CHANNEL_ADDRESS": f"json://127.0.0.1:{port}/"}
        ringfence("channel", "add", "soc", env=address)
        for origin in ("http://127.0.0.1:9000", "nonsense"):
            note.write_text(origin)
            ringfence("channel", "test", "soc", env=OPEN)
        ringfence("channel", "test", "soc", env=OPEN | {"RINGFENCE_PUBLIC_URL": "https://soc.contoso.com"})
    links = [json.loads(body)["message"].partition("See: ")[2] for body in bodies]
    assert links[0] == "http://127.0.0.1:9000/notifications"
    assert links[1] == "http://127.0.0.1:8080/notifications"
    assert links[2] == "https://soc.contoso.com/notifications"


def test_what_waits_says_until_when_and_why(ringfence: Ringfence) -> None:
    address = {"RINGFENCE_CHANNEL_ADDRESS": "json://hooks.contoso.com/"}
    ringfence("channel", "add", "night", "--quiet", "00:00-00:00", env=address)
    ringfence("channel", "add", "day", env=address)
    installation = ringfence.open(Settings(data=ringfence.data))
    news = News(Event.CONTAINMENT_CONFIRMED, "c-1", "containment", "c-1", "A host is cut off", "", "/containment/c-1")
    try:
        here = installation.organization().id
        installation.database.run_now(lambda tx: outbox.tell(tx, here, news))
    finally:
        installation.close()
    listed = {each["channel"]: each for each in ringfence.json("notification", "list")["items"]}
    assert (listed["night"]["waits_for"], listed["day"]["waits_for"]) == ("quiet_hours", None)
    assert listed["night"]["next_at"] == listed["night"]["due_at"] > listed["night"]["created_at"]
    assert ": quiet hours" in ringfence("notification", "list").stdout
