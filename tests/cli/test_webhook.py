import asyncio

from cli_world import Ringfence
from listening_world import refused, signed
from ringfence import clock
from ringfence.listeners import refusals
from ringfence.listeners.refusals import Reason
from ringfence.settings import Settings

PLAYBOOK = """\
ringfence: 1
name: Hear
trigger: {type: webhook, hook: siem, where: body.severity == 'high'}
steps: {one: {action: logic.set, with: {values: {}}}}
"""


def post(ringfence: Ringfence, webhook_id: str, secret: str, body: bytes, message_id: str) -> None:
    installation = ringfence.open(Settings(data=ringfence.data))
    try:
        sent = signed(secret, body, message_id=message_id, at=clock.timestamp())
        asyncio.run(installation.receiver.receive(webhook_id, sent, "application/json", body))
    finally:
        installation.close()


def test_senders_wait_for_answers_as_long_as_it_is_said(ringfence: Ringfence) -> None:
    assert ringfence.json("webhook", "add", "siem", "--answer-within", "10")["webhook"]["answer_within"] == 10
    assert "wait for 5 s" in ringfence("webhook", "change", "siem", "--answer-within", "5").stdout
    assert ringfence.json("webhook", "change", "siem", "--answer-within", "0")["webhook"]["answer_within"] == 0


def test_a_webhook_is_made_used_rotated_and_removed(ringfence: Ringfence) -> None:
    made = ringfence.json("webhook", "add", "siem", "--by", "ada")
    assert made["secret"].startswith("whsec_")
    assert made["webhook"]["address"] == f"http://127.0.0.1:8080/hooks/{made['webhook']['id']}"
    listed = ringfence.json("webhook", "list")["items"]
    assert [(each["name"], each["secrets"], each["created_by"]) for each in listed] == [("siem", 1, "ada")]
    assert made["secret"] not in str(listed)
    ringfence("playbook", "publish", "-", stdin=PLAYBOOK)
    post(ringfence, made["webhook"]["id"], made["secret"], b'{"severity": "high"}', "msg_1")
    post(ringfence, made["webhook"]["id"], made["secret"], b'{"severity": "low"}', "msg_2")
    came = ringfence.json("webhook", "deliveries", "siem")["items"]
    assert [(each["message_id"], each["outcomes"][0]["run_id"] is not None) for each in came] == [
        ("msg_2", False),
        ("msg_1", True),
    ]
    assert came[0]["outcomes"][0]["reason"].endswith("is not true for this message.")
    shown = ringfence("webhook", "deliveries", "siem").stdout
    assert "not started" in shown
    assert "Hear" in shown
    rotated = ringfence.json("webhook", "rotate", "siem", "--keep", "0")
    assert rotated["secret"] != made["secret"]
    assert rotated["webhook"]["secrets"] == 1
    assert ringfence.json("webhook", "rotate", "siem")["webhook"]["secrets"] == 2
    ringfence("webhook", "remove", "siem")
    assert ringfence.json("webhook", "list")["items"] == []
    assert len(ringfence.json("run", "list")["items"]) == 1


def test_a_webhook_is_switched_off_and_playbooks_that_wait_for_it_are_told_of(ringfence: Ringfence) -> None:
    ringfence("webhook", "add", "siem")
    assert "every message is refused" in ringfence("webhook", "disable", "siem").stdout
    assert "off" in ringfence("webhook", "list").stdout
    published = ringfence("playbook", "publish", "-", stdin=PLAYBOOK)
    assert "warning webhook-off: The playbook waits for the webhook 'siem', which is off." in published.stdout
    assert ringfence.json("webhook", "enable", "siem")["webhook"]["enabled"] is True


def test_what_was_refused_is_listed_and_counted(ringfence: Ringfence) -> None:
    made = ringfence.json("webhook", "add", "siem")["webhook"]
    assert "Nothing was refused" in ringfence("webhook", "refusals", "siem").stderr
    installation = ringfence.open(Settings(data=ringfence.data))
    installation.database.run_now(lambda tx: refusals.write(tx, {made["id"]: refused(Reason.TOO_MANY, dropped=41)}))
    installation.close()
    shown = ringfence("webhook", "refusals", "siem").stdout
    for words in ("too_many", "42", "41", "203.0.113.7", "Its sender posted too many in a minute."):
        assert words in shown, words
    found = ringfence.json("webhook", "refusals", "siem")
    assert (found["items"][0]["reason"], found["days"][0]["refused"]) == ("too_many", 42)


def test_people_are_told_the_secret_once_and_what_to_do_next(ringfence: Ringfence) -> None:
    assert "ringfence webhook add" in ringfence("webhook", "list").stderr
    told = ringfence("webhook", "add", "siem")
    assert "Secret: whsec_" in told.stdout
    assert "shown only now" in told.stderr
    assert "whsec_" not in ringfence("webhook", "list").stdout
    assert "stay valid for 2 h" in ringfence("webhook", "rotate", "siem", "--keep", "2 h").stderr
    assert "Nothing came yet" in ringfence("webhook", "deliveries", "siem").stderr


def test_mistakes_are_told(ringfence: Ringfence) -> None:
    ringfence("webhook", "add", "siem")
    assert ringfence.error("webhook", "add", "siem")["code"] == "conflict"
    assert ringfence.error("webhook", "rotate", "seim")["advice"] == "Did you mean 'siem'?"
    assert "duration" in ringfence.error("webhook", "rotate", "siem", "--keep", "soon")["message"]
    unknown = ringfence("playbook", "publish", "-", stdin=PLAYBOOK.replace("hook: siem", "hook: seim"), status=1)
    assert "-:3:32 error unknown-webhook: No webhook named 'seim' is made. Did you mean 'siem'?" in unknown.stderr
