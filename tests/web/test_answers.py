import httpx

from approval_samples import ask, look
from contoso import Contoso
from ringfence.approvals.model import State
from ringfence.containment import policies
from ringfence.containment.policies import Scope
from ringfence.notifications import links
from ringfence.storage import Database
from webserver import VAULT


def _links(database: Database, contoso: Contoso) -> tuple[str, str, str]:
    asked = ask(database, contoso.organization_id)
    yes, no = database.run_now(lambda tx: links.make(tx, VAULT, asked, "ines"))
    return asked.id, yes, no


async def test_opening_a_link_shows_the_question_and_changes_nothing(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    asked = ask(embedded, contoso.organization_id)
    yes, no = embedded.run_now(lambda tx: links.make(tx, VAULT, asked, "ines"))
    for token, word in ((yes, "Approve"), (no, "Reject")):
        for _ in range(2):
            page = await visitor.get("/answer", params={"token": token})
            assert page.status_code == 200
            assert "Cut fin-ws-014.contoso.com off" in page.text
            assert "You answer as <strong>ines</strong>" in page.text
            assert f"{word}</button>" in page.text
    assert look(embedded, asked).answers == ()
    scope = Scope(contoso.organization_id)
    embedded.run_now(lambda tx: policies.freeze(tx, scope, on=True, reason="Storm", by="megan"))
    says = "whoever approves now has the containment denied"
    assert [says in (await visitor.get("/answer", params={"token": each})).text for each in (yes, no)] == [True, False]


async def test_the_button_answers_once_in_the_persons_name(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    asked = ask(embedded, contoso.organization_id)
    yes, no = embedded.run_now(lambda tx: links.make(tx, VAULT, asked, "ines"))
    done = await visitor.post("/answer", data={"token": yes, "comment": "Seen."})
    assert (done.status_code, "Approved by ines." in done.text) == (200, True)
    after = look(embedded, asked)
    assert (after.state, after.answers[0].via, after.answers[0].comment) == (State.APPROVED, "link", "Seen.")
    for token in (yes, no, "", "forged"):
        pressed = await visitor.post("/answer", data={"token": token})
        opened = await visitor.get("/answer", params={"token": token})
        assert (pressed.status_code, opened.status_code) == (404, 404)
        # Whose link it was learns how the question ended; who guesses learns nothing.
        assert [("Approved by ines." in each.text) for each in (pressed, opened)] == [token in (yes, no)] * 2


async def test_a_foreign_page_cannot_press_the_button(
    visitor: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    _, yes, _ = _links(embedded, contoso)
    refused = await visitor.post("/answer", data={"token": yes}, headers={"Origin": "http://evil.test"})
    assert refused.status_code == 403


async def test_who_guesses_is_slowed_down(visitor: httpx.AsyncClient) -> None:
    answers = [(await visitor.get("/answer", params={"token": str(number)})).status_code for number in range(40)]
    assert answers[0] == 404
    assert answers[-1] == 429
