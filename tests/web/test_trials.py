import httpx

from contoso import Contoso
from rehearsing import CATALOGUE
from ringfence.playbooks import drafts, rules
from ringfence.playbooks.proof import Proof, Sight, StepProof, Subject
from ringfence.playbooks.rules import Rules
from ringfence.rehearsals.prover import Prover
from ringfence.rehearsals.trying import Trials
from ringfence.storage import Database
from webfixtures import csrf

SEEN = (Sight(after=90.0, what="contained: <b>confirmed</b>"),)
BAD = StepProof(
    step="cut", action="containment.contain", proven=False, scene="s", why="Never let go.", advice="Add it.", seen=SEEN
)


class Told(Prover):
    def __init__(self, proof: Proof) -> None:
        super().__init__()
        self._proof = proof

    async def prove(self, subject: Subject) -> Proof:
        return self._proof


async def work(database: Database, *steps: StepProof) -> None:
    worker = Trials(database, CATALOGUE, Told(Proof(steps=steps)), owner="test")
    while await worker.work():
        pass


async def test_a_playbook_is_gone_over_the_past_by_a_worker(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    address = f"/playbooks/{contoso.playbook_id}/try"
    token = {"csrf": csrf(client, embedded)}
    asked = await client.post(f"{address}/past", data={**token, "days": "366"})
    there = asked.headers["location"]
    waiting = await client.get(there)
    assert "It waits for a worker." in waiting.text
    assert "Cancel" in waiting.text
    await work(embedded)
    assert "would have started a run" in (await client.get(there)).text
    assert there in (await client.get(address)).text
    refused = await client.post(f"{address}/past", data={**token, "days": "367"})
    assert (refused.status_code, "cannot go back 367 days" in refused.text) == (400, True)
    again = (await client.post(f"{address}/past", data={**token, "days": "3"})).headers["location"]
    await client.post(f"{again}/cancel", data=token)
    assert "Cancelled by megan.bowen" in (await client.get(again)).text


async def test_a_version_shows_whether_its_release_is_proven_and_can_be_proven_again(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"csrf": csrf(client, embedded)}
    page = (await client.get(f"/playbooks/{contoso.playbook_id}")).text
    number = page.split(f"/playbooks/{contoso.playbook_id}/versions/")[1].split('"')[0]
    address = f"/playbooks/{contoso.playbook_id}/versions/{number}"
    assert "Nobody has tried whether it lets go" in (await client.get(address)).text
    there = (await client.post(f"{address}/proof", data=token)).headers["location"]
    assert "It is being tried" in (await client.get(address)).text
    await work(embedded, BAD)
    assert "Not proven. cut: Never let go." in (await client.get(address)).text
    seen = (await client.get(there)).text
    assert "contained: &lt;b&gt;confirmed&lt;/b&gt;" in seen
    assert "Never let go. Add it." in seen
    await client.post(f"{address}/proof", data=token)
    await work(embedded, BAD.model_copy(update={"proven": True, "by": "timer"}))
    assert "was seen to be let go again" in (await client.get(address)).text


async def test_where_a_proof_is_demanded_a_draft_is_published_after_it_or_with_a_reason(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"csrf": csrf(client, embedded)}
    for value in ("maybe", "demand"):
        answer = await client.post("/playbooks/rules", data={**token, "prove": value, "seen": "0"})
        assert answer.status_code == (303 if value == "demand" else 400)
    assert embedded.read_now(lambda tx: rules.standing(tx, contoso.organization_id)).rules == Rules(prove="demand")
    assert 'value="demand" selected' in (await client.get("/playbooks/rules")).text
    text = (
        "ringfence: 1\nname: Draft\ntrigger: {type: defender.alert, severity: [High]}\nsteps:\n"
        '  cut: {action: containment.contain, with: {machine: "${trigger.alert.machineId}", reason: x, auto_release: 1 h}}\n'
    )
    draft = embedded.run_now(lambda tx: drafts.save(tx, contoso.organization_id, text, "megan.bowen"))
    address = f"/playbooks/{draft.playbook_id}/draft"
    page = (await client.get(address)).text
    assert "First a worker plays in the simulator" in page
    sent = {**token, "text": text, "seen": "1", "do": "publish"}
    there = (await client.post(address, data=sent)).headers["location"]
    assert "/trials/" in there
    await work(embedded, BAD)
    assert 'href="' + address in (await client.get(there)).text
    refused = await client.post(address, data=sent)
    assert (refused.status_code, "is not proven. cut: Never let go." in refused.text) == (409, True)
    done = await client.post(address, data={**sent, "unproven": "The lab is closed."})
    assert done.headers["location"] == f"/playbooks/{draft.playbook_id}"
    version = (await client.get(f"/playbooks/{draft.playbook_id}/versions/1.0")).text
    assert "Not proven." in version
    assert "published all the same: The lab is closed." in version
