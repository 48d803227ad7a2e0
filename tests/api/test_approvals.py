import httpx

from accounts_samples import an_organization
from approval_samples import ask, look
from contoso import Contoso
from ringfence.approvals.model import State
from ringfence.storage import Database
from webfixtures import csrf


async def test_questions_are_listed_with_the_facts_that_they_are_bound_to(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    asked = ask(embedded, contoso.organization_id)
    listed = (await client.get("/api/v1/approvals")).json()
    assert [each["id"] for each in listed["items"]] == [asked.id]
    one = (await client.get(f"/api/v1/approvals/{asked.id}")).json()
    assert one["bound_to"]["policy_version"] == "organization 3"
    assert one["state"] == "open"
    assert one["may_answer"] == []
    assert "released" in one["undo"]
    assert one["expires_at"].endswith("Z")


async def test_an_answer_counts_in_the_name_of_who_is_signed_in(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    asked = ask(embedded, contoso.organization_id)
    address = f"/api/v1/approvals/{asked.id}/answer"
    assert (await client.post(address, json={"answer": "approve"})).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    assert (await client.post(address, json={"answer": "perhaps"})).status_code == 400
    given = {"answer": "approve", "comment": "Seen on the phone."}
    first = await client.post(address, json=given)
    assert (first.status_code, first.json()["state"]) == (200, "approved")
    assert first.json()["answers"][0]["via"] == "API"
    assert (await client.post(address, json=given)).json() == first.json()
    refused = await client.post(address, json={"answer": "reject"})
    assert (refused.status_code, refused.json()["code"]) == (409, "question_over")
    assert (await client.get("/api/v1/approvals")).json()["items"] == []
    assert len((await client.get("/api/v1/approvals", params={"show": "all"})).json()["items"]) == 1


async def test_who_asked_cannot_say_yes(client: httpx.AsyncClient, embedded: Database, contoso: Contoso) -> None:
    asked = ask(embedded, contoso.organization_id, asked_by="megan.bowen")
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    refused = await client.post(f"/api/v1/approvals/{asked.id}/answer", json={"answer": "approve"})
    assert refused.status_code == 403
    assert "for themselves" in refused.json()["detail"]
    await client.post(f"/api/v1/approvals/{asked.id}/answer", json={"answer": "reject"})
    assert look(embedded, asked).state is State.REJECTED


async def test_another_organizations_question_is_not_there(client: httpx.AsyncClient, embedded: Database) -> None:
    asked = ask(embedded, an_organization(embedded, "Fabrikam"))
    assert (await client.get(f"/api/v1/approvals/{asked.id}")).status_code == 404
