import httpx

from contoso import STARTER, Contoso
from designer_hands import send
from ringfence.playbooks import drafts, library, rules
from ringfence.playbooks.library import PlaybookState
from ringfence.playbooks.rules import Rules
from ringfence.storage import Database

LATER = STARTER.replace("duration: 20 s", "duration: 30 s").replace("category: [Ransomware]", "category: [Malware]")


def save(embedded: Database, contoso: Contoso, source: str) -> int:
    return embedded.run_now(
        lambda tx: drafts.save(tx, contoso.organization_id, source, "megan", playbook=contoso.playbook_id)
    ).revision


async def test_what_differs_from_a_version_is_told_by_meaning(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/difference"
    told = await send(client, embedded, address, {"source": f"# new\n{LATER}", "before": "1.3"})
    changes = [(each["kind"], each["step"]) for each in told.json()["changes"]]
    assert ("trigger", None) in changes
    assert all(each in {("trigger", None), ("changed", "watch")} for each in changes)
    assert told.json()["marks"] == {"": ["changed"], "watch": ["changed"]}
    assert [each["name"] for each in told.json()["sketch"]["steps"]][:1] == ["facts"]
    same = await send(client, embedded, address, {"before": "1.3", "after": "1.3"})
    assert (same.json()["changes"], same.json()["ways"]) == ([], [])
    unread = await send(client, embedded, address, {"source": "name: [", "before": "1.3"})
    assert (unread.status_code, len(unread.json()["problems"])) == (400, 1)
    assert (await send(client, embedded, address, {"source": LATER, "before": "9.9"})).status_code == 404


async def test_publishing_says_what_it_will_do_and_does_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design"
    assert (await client.get(f"{address}/publishing")).json() == {"draft": False}
    seen = save(embedded, contoso, LATER)
    said = (await client.get(f"{address}/publishing?major=true")).json()
    assert (said["version"], said["publishable"], said["second_person"]) == ("2.0", True, False)
    assert any(each.startswith("Trigger: category was") for each in said["changes"])
    late = await send(client, embedded, f"{address}/publish", {"seen": seen + 1})
    assert late.status_code == 409
    done = await send(client, embedded, f"{address}/publish", {"seen": seen, "note": "Later."})
    assert done.json() == {"words": "Version 1.4 starts runs now."}
    (newest, *_) = embedded.read_now(lambda tx: library.versions(tx, contoso.organization_id, contoso.playbook_id))
    assert (newest.number, newest.note) == ("1.4", "Later.")


async def test_where_a_second_person_is_asked_for_the_answer_leads_to_the_question(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: rules.put(tx, contoso.organization_id, Rules(second_person=True), "adele"))
    seen = save(embedded, contoso, LATER)
    address = f"/playbooks/{contoso.playbook_id}/design"
    assert (await client.get(f"{address}/publishing")).json()["second_person"] is True
    asked = (await send(client, embedded, f"{address}/publish", {"seen": seen})).json()
    assert asked["go"].startswith("/approvals/")
    assert (await client.get(asked["go"])).status_code == 200


async def test_a_playbook_is_paused_and_made_active_again(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/design/mode"
    for to, words in (("paused", "starts no runs now"), ("active", "starts runs now")):
        done = await send(client, embedded, address, {"to": to})
        assert done.json()["words"] == f"Version 1.3 {words}."
        row = embedded.read_now(lambda tx: library.get(tx, contoso.organization_id, contoso.playbook_id))
        assert row.state is PlaybookState(to)
    assert (await send(client, embedded, address, {"to": "retired"})).status_code == 400
