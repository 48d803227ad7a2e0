import re
from typing import Any

from containment_alerts import an_alert
from containment_world import World
from hostile import HOSTILE, dangers
from ringfence.containment import proof, proof_page
from ringfence.containment.model import State


async def _proof(world: World, title: str) -> dict[str, Any]:
    alert_id, _ = an_alert(world, title=title)
    asked = world.request("wks-001", alert_id=alert_id, reason=title)
    await world.settle(asked, State.CONTAINED)
    return world.database.read_now(lambda tx: proof.document(tx, world.organization_id, asked.id, by=title))


async def test_the_page_says_what_was_confirmed_and_shows_every_part(world: World) -> None:
    page = proof_page.render(await _proof(world, "Ransomware"))
    for words in (
        "was isolated; Defender confirmed it at",
        "Ransomware",
        "isolate machine",
        "containment:confirmed",
        "Line by line",
    ):
        assert words in page
    assert "{{" not in page


async def test_the_page_runs_nothing_fetches_nothing_and_escapes_everything(world: World) -> None:
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\u202egnp.exe'
    page = proof_page.render(await _proof(world, hostile))
    assert "<script" not in page
    assert "<img" not in page
    assert "\u202e" not in page
    assert "\\u202egnp.exe" in page
    assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert not re.search(r"\son\w+=\"", page.replace("&#34;", "'"))


def test_every_hostile_text_is_shown_as_text() -> None:
    harmless = dangers(proof_page.render(_with("plain")))
    for text in HOSTILE:
        page = proof_page.render(_with(text))
        assert dangers(page) == harmless
        assert "<script" not in page.lower()


def _with(text: str) -> dict[str, Any]:
    row = dict.fromkeys(
        [
            "machine_name",
            "target",
            "state",
            "detail",
            "reason",
            "requested_by",
            "playbook",
            "machine_id",
            "isolation_type",
            "account_name",
            "isolate_action_id",
            "release_action_id",
            "id",
            "joined_id",
        ],
        text,
    )
    moments = [
        "requested_at",
        "decided_at",
        "submitted_at",
        "accepted_at",
        "confirmed_at",
        "release_requested_at",
        "release_submitted_at",
        "released_at",
        "finished_at",
    ]
    row |= dict.fromkeys(moments, "2026-07-01T12:00:00.000Z")
    clocks = dict.fromkeys(("decide", "submit", "accept", "confirm", "contain", "held", "release"), 12.5)
    event = {"at": "2026-07-01T12:00:00.000Z", "before": None, "after": text, "detail": text, "facts": {text: [text]}}
    return {
        "containment": row,
        "organization": text,
        "result": text,
        "made_at": "2026-07-01T12:00:00.000Z",
        "made_by": text,
        "made_with": text,
        "clocks": clocks,
        "holders": [{"holder": text, "reason": text, "held_at": "2026-07-01T12:00:00.000Z", "let_go_at": None}],
        "alert": None,
        "decision": {
            "verdict": {"allowed": True, "outcome": text, "reasons": [text], "facts": {text: text}},
            "policy": None,
        },
        "approvals": [],
        "events": [event],
        "exchanges": [],
        "told_to_the_alert": [],
        "audit": {"entries": [], "head": None},
    }


def test_lengths_and_long_bodies_are_written_for_people() -> None:
    made = _with("x")
    made["clocks"] |= {"held": 3_700.0, "confirm": 300.0}
    made["events"][0]["facts"] = {"long": "y" * 9_000}
    page = proof_page.render(made)
    assert "1 h 1 min" in page
    assert "5 min 0 s" in page
    assert "more characters in proof.json" in page
