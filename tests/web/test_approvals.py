import httpx

from accounts_samples import an_organization
from approval_samples import ask, look
from contoso import Contoso
from hostile import HOSTILE, dangers
from ringfence.approvals.model import State, Subject
from ringfence.containment import policies
from ringfence.containment.policies import Scope
from ringfence.storage import Database
from webfixtures import csrf

ME = "megan.bowen"


async def test_the_inbox_shows_question_reasons_facts_undo_and_time_left(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "Nobody waits for an answer" in (await client.get("/approvals")).text
    ask(embedded, contoso.organization_id, escalate_to=("boss",), approvers=(ME, "tom"), needed=2)
    page = (await client.get("/approvals")).text
    for words in (
        "Cut fin-ws-014.contoso.com off the network?",
        "runs a server&#39;s operating system",
        "organization 3",
        "not known",
        "Finance, Server",
        "can be released at any time",
        f"{ME}, tom; 2 different people must approve",
        "then it goes to boss",
        'value="approve"',
    ):
        assert words in page, words


async def test_every_page_says_how_many_questions_wait(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert 'id="approvals-badge"' in (await client.get("/alerts")).text
    assert (await client.get("/approvals/badge")).text == ""
    ask(embedded, contoso.organization_id)
    assert '1<span class="hidden"> waiting</span></span></a>' in (await client.get("/alerts")).text
    assert (await client.get("/approvals/badge")).text == '1<span class="hidden"> waiting</span>'


async def test_a_person_answers_with_a_comment_and_is_led_back(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    asked = ask(embedded, contoso.organization_id)
    form = {"csrf": csrf(client, embedded), "comment": "It is the payroll host.", "back": "/approvals"}
    wrong = await client.post(f"/approvals/{asked.id}", data=form | {"answer": "perhaps"})
    assert wrong.status_code == 400
    done = await client.post(f"/approvals/{asked.id}", data=form | {"answer": "reject"})
    assert (done.status_code, done.headers["location"]) == (303, "/approvals")
    after = look(embedded, asked)
    assert after.state is State.REJECTED
    assert (after.answers[0].by, after.answers[0].via) == (ME, "page")
    page = (await client.get(f"/approvals/{asked.id}")).text
    assert "It is the payroll host." in page
    assert 'value="approve"' not in page
    late = await client.post(f"/approvals/{asked.id}", data=form | {"answer": "approve"})
    assert late.status_code == 409
    assert "over: rejected" in late.text
    assert "It is the payroll host." in (await client.get("/approvals?show=all")).text


async def test_who_asked_may_only_say_no_and_who_is_not_asked_nothing(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    mine = ask(embedded, contoso.organization_id, asked_by=ME)
    page = (await client.get(f"/approvals/{mine.id}")).text
    assert "You may still say no." in page
    assert 'value="approve"' not in page
    form = {"csrf": csrf(client, embedded), "answer": "approve"}
    refused = await client.post(f"/approvals/{mine.id}", data=form)
    assert refused.status_code == 403
    assert "for themselves" in refused.text
    others = ask(embedded, contoso.organization_id, subject_id="c-2", approvers=("tom",))
    page = (await client.get(f"/approvals/{others.id}")).text
    assert "This question is for tom." in page
    assert 'value="reject"' not in page


async def test_the_page_of_a_containment_shows_its_question(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    assert "Bound to these facts" not in (await client.get(f"/containment/{contoso.pending_id}")).text
    asked = ask(embedded, contoso.organization_id, subject_id=contoso.pending_id)
    page = (await client.get(f"/containment/{contoso.pending_id}")).text
    assert f'action="/approvals/{asked.id}"' in page
    assert f'name="back" value="/containment/{contoso.pending_id}"' in page


async def test_a_question_of_a_step_leads_to_its_run(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    ask(embedded, contoso.organization_id, subject=Subject.STEP, subject_id=f"{contoso.run_id}:ask:0")
    assert f'href="/executions/{contoso.run_id}"' in (await client.get("/approvals")).text


async def test_questions_of_others_are_not_there(client: httpx.AsyncClient, embedded: Database) -> None:
    asked = ask(embedded, an_organization(embedded, "Fabrikam"))
    assert (await client.get(f"/approvals/{asked.id}")).status_code == 404
    form = {"csrf": csrf(client, embedded), "answer": "approve"}
    assert (await client.post(f"/approvals/{asked.id}", data=form)).status_code == 404
    assert look(embedded, asked).open


async def test_hostile_words_are_text(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    for number, words in enumerate(HOSTILE):
        ask(
            embedded,
            contoso.organization_id,
            subject_id=f"c-{number}",
            text=words,
            reasons=(words,),
            bound_to={"name": words},
        )
    assert dangers((await client.get("/approvals")).text) == []


async def test_while_the_kill_switch_is_on_a_question_says_what_an_approval_would_lead_to(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    ask(embedded, contoso.organization_id)
    says = "whoever approves now has the containment denied"
    assert says not in (await client.get("/approvals")).text
    embedded.run_now(
        lambda tx: policies.freeze(tx, Scope(contoso.organization_id), on=True, reason="Storm", by="megan")
    )
    page = (await client.get("/approvals")).text
    assert says in page
    assert "<p>Storm. Releases go on." in page
