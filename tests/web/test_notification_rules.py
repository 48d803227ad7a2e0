import httpx

from contoso import Contoso
from hostile import HOSTILE, dangers
from notification_world import a_channel
from ringfence.notifications import outbox, rulebook
from ringfence.notifications.events import Event
from ringfence.notifications.outbox import News
from ringfence.storage import Database
from ringfence.web.notification_rules import duration_of
from webfixtures import csrf, form_fields


async def test_a_rule_is_previewed_kept_changed_and_removed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    organization = contoso.organization_id
    a_channel(embedded, organization, "soc", by_rules=True)
    for number, words in enumerate(HOSTILE):
        news = News(Event.KILL_SWITCH, str(number), "policy", organization, words, words, "/policy", "High")
        embedded.run_now(lambda tx, each=news: outbox.tell(tx, organization, each))  # type: ignore[misc]
    assert "There is no rule" in (await client.get("/notifications/rules")).text
    assert 'value="channel:soc"' in (await client.get("/notifications/rules/new")).text
    form = {"csrf": csrf(client, embedded), "name": "night", "enabled": "on", "to": "channel:soc"}
    form |= {"addresses": "duty@contoso.com", "event": "kill_switch", "severity": "High", "quiet": "22:00-06:00 UTC"}
    form |= {"after": "15 min", "escalate_to": "team:tier-2"}
    page = await client.post("/notifications/rules/save", data=form | {"do": "preview"})
    assert page.text.count('href="/policy"') >= len(HOSTILE)
    assert "duty@contoso.com" in page.text
    assert "There is no team named" in page.text
    assert dangers(page.text) == []
    assert embedded.read_now(lambda tx: rulebook.every(tx, organization)) == []
    assert (await client.post("/notifications/rules/save", data=form)).status_code == 303
    (rule,) = embedded.read_now(lambda tx: rulebook.every(tx, organization))
    assert (rule.escalate_after, rule.escalate_to.teams, rule.who.addresses) == (
        900.0,
        ("tier-2",),
        ("duty@contoso.com",),
    )
    shown = (await client.get(f"/notifications/rules/{rule.id}")).text
    assert 'value="15 min"' in shown
    assert 'value="kill_switch" checked' in shown
    save, opened = "/notifications/rules/save", form | form_fields(shown, "rule_id", "seen")
    wrong = await client.post(save, data=opened | {"quiet": "at night"})
    assert (wrong.status_code, 'value="at night"' in wrong.text) == (400, True)
    assert form_fields(wrong.text, "rule_id", "seen") == form_fields(shown, "rule_id", "seen")
    changed = opened | {"enabled": "", "after": "", "escalate_to": ""}
    assert (await client.post(save, data=changed)).status_code == 303
    assert "off" in (await client.get("/notifications/rules")).text
    late = await client.post(save, data=opened | {"quiet": "23:00-05:00 UTC"})
    assert late.status_code == 412
    for words in ("Somebody has changed it", 'value="23:00-05:00 UTC"', f'href="/notifications/rules/{rule.id}"'):
        assert words in late.text, words
    again = opened | form_fields(late.text, "quiet", "seen")
    assert (await client.post(save, data=again)).status_code == 303
    (kept,) = embedded.read_now(lambda tx: rulebook.every(tx, organization))
    assert (kept.quiet, kept.enabled, kept.escalate_after) == ("23:00-05:00 UTC", True, 900.0)
    gone = await client.post(f"/notifications/rules/{rule.id}/remove", data={"csrf": form["csrf"]})
    assert gone.status_code == 303
    lost = await client.post(save, data=again)
    assert (lost.status_code, "Somebody has removed it" in lost.text) == (412, True)
    anew = again | form_fields(lost.text, "rule_id", "seen")
    assert (anew["rule_id"], (await client.post(save, data=anew)).status_code) == ("", 303)
    embedded.run_now(lambda tx: rulebook.remove(tx, organization, "night", by="megan"))
    assert embedded.read_now(lambda tx: rulebook.every(tx, organization)) == []


async def test_a_notice_is_taken_over(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    a_channel(embedded, contoso.organization_id)
    news = News(Event.BRAKE_TRIPPED, "1", "brake", "1", "A limit was reached", "", "/containment")
    embedded.run_now(lambda tx: outbox.tell(tx, contoso.organization_id, news))
    (entry,) = embedded.read_now(lambda tx: outbox.listed(tx, contoso.organization_id))
    assert "Take over" in (await client.get("/notifications")).text
    form = {"csrf": csrf(client, embedded)}
    assert (await client.post(f"/notifications/notices/{entry.notice_id}/take", data=form)).status_code == 303
    page = (await client.get("/notifications")).text
    assert "taken by" in page
    assert "Take over" not in page


def test_lengths_of_time_are_shown_as_they_are_typed() -> None:
    assert [duration_of(each) for each in (60, 900, 5_400, 7_200, 172_800, 90)] == [
        "1 min",
        "15 min",
        "90 min",
        "2 h",
        "2 d",
        "90 s",
    ]
