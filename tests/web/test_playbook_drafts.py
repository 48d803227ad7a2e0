import httpx

from contoso import Contoso
from ringfence.playbooks import drafts, library, rules
from ringfence.playbooks.rules import Rules
from ringfence.storage import Database
from webfixtures import csrf

LOOK = "ringfence: 1\r\nname: Look\r\ntrigger: {type: manual}\r\nsteps:\r\n  one: {action: logic.set, with: {values: {}}}\r\n"


async def _send(client: httpx.AsyncClient, embedded: Database, path: str, **form: str | int) -> httpx.Response:
    return await client.post(path, data={"csrf": csrf(client, embedded), **form})


async def test_a_playbook_is_written_checked_and_published_on_its_page(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "Design mode" in (await client.get("/playbooks/new")).text
    begun = await _send(client, embedded, "/playbooks/new", text=LOOK.replace("logic.set", "logic.<b>"))
    address = begun.headers["location"]
    page = (await client.get(address)).text
    assert "There is no action &#39;logic.&lt;b&gt;&#39;" in page
    refused = await _send(client, embedded, address, text=LOOK.replace("logic.set", "logic.x"), seen=1, do="publish")
    assert (refused.status_code, "The playbook has 1 error." in refused.text) == (400, True)
    assert (await _send(client, embedded, address, text=LOOK, seen=1)).status_code == 303
    page = (await client.get(address)).text
    assert "Version 1.0 is the first" in page
    assert "Step one is new: logic.set." in page
    assert 'href="' + address.replace("/draft", "/design") in (await client.get("/playbooks")).text
    done = await _send(client, embedded, address, text=LOOK, seen=2, note="First.", do="publish")
    assert done.headers["location"] == address.removesuffix("/draft")
    (version,) = embedded.read_now(lambda tx: library.versions(tx, contoso.organization_id, "Look"))
    assert (version.number, version.note) == ("1.0", "First.")
    assert embedded.read_now(lambda tx: library.source_of(tx, contoso.organization_id, version.id)) == LOOK.replace(
        "\r", ""
    )


async def test_who_saves_over_anothers_draft_is_told_and_keeps_what_they_typed(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/draft"
    assert (await _send(client, embedded, address, text="name: mine", seen=0)).status_code == 303
    late = await _send(client, embedded, address, text="name: late", seen=0)
    assert (late.status_code, "name: late" in late.text) == (412, True)
    assert "is at revision 1" in late.text
    assert (await _send(client, embedded, address, text="name: mine", seen=1, do="discard")).status_code == 303
    assert embedded.read_now(lambda tx: drafts.opened(tx, contoso.organization_id)) == []


async def test_publishing_with_a_second_person_leads_to_the_question(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    embedded.run_now(lambda tx: rules.put(tx, contoso.organization_id, Rules(second_person=True), "adele"))
    begun = await _send(client, embedded, "/playbooks/new", text=LOOK)
    address = begun.headers["location"]
    assert "Ask to publish" in (await client.get(address)).text
    asked = await _send(client, embedded, address, text=LOOK, seen=1, do="publish")
    question = (await client.get(asked.headers["location"])).text
    assert "Publish Look 1.0?" in question
    # What a question is about leads to the draft as long as nothing is published.
    about = await client.get(address.removesuffix("/draft"))
    assert (about.status_code, about.headers["location"]) == (303, address)


async def test_a_text_of_nobody_is_refused_on_the_page(client: httpx.AsyncClient, embedded: Database) -> None:
    refused = await _send(client, embedded, "/playbooks/new", text="steps: [")
    assert (refused.status_code, "which playbook it is" in refused.text) == (400, True)
    assert (await client.get("/playbooks/none/draft")).status_code == 404
    assert (await _send(client, embedded, "/playbooks/none/draft", text="x")).status_code == 404
