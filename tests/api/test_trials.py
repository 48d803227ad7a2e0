import httpx

from contoso import Contoso
from rehearsing import CATALOGUE
from ringfence.playbooks import rules
from ringfence.playbooks.proof import Proof, StepProof, Subject
from ringfence.playbooks.rules import Rules
from ringfence.rehearsals.prover import Prover
from ringfence.rehearsals.trying import Trials
from ringfence.storage import Database
from webfixtures import csrf

TEXT = """\
ringfence: 1
name: Draft
trigger: {type: defender.alert, severity: [High]}
steps:
  cut: {action: containment.contain, with: {machine: "${trigger.alert.machineId}", reason: x, auto_release: 24 h}}
"""
GOOD = Proof(steps=(StepProof(step="cut", action="containment.contain", proven=True, scene="s", by="timer"),))


class Proven(Prover):
    async def prove(self, subject: Subject) -> Proof:
        return GOOD


async def _work(database: Database) -> None:
    worker = Trials(database, CATALOGUE, Proven(), owner="test")
    while await worker.work():
        pass


async def test_a_backtest_is_asked_for_carried_out_by_a_worker_and_read(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    address = f"/api/v1/playbooks/{contoso.playbook_id}"
    asked = await client.post(f"{address}/backtest", json={"source": TEXT, "days": 366}, headers=token)
    assert (asked.status_code, asked.json()["state"], asked.json()["backtest"]) == (202, "requested", None)
    await _work(embedded)
    trial = (await client.get(f"{address}/trials/{asked.json()['id']}")).json()
    found = trial["backtest"]
    assert (trial["state"], trial["progress"] == trial["total"], found["playbook"]) == ("done", True, "Draft")
    assert found["started"] > 0
    assert found["hosts"][0]["first_at"].endswith("Z")
    assert sum(each["count"] for each in found["not_started"]) + found["started"] == found["versions"]
    listed = (await client.get(f"{address}/trials?kind=backtest")).json()["items"]
    assert [(each["id"], each["backtest"]) for each in listed] == [(trial["id"], None)]
    assert (await client.post(f"{address}/backtest", json={"days": 0}, headers=token)).status_code == 400
    wrong = TEXT.replace("containment.contain", "containment.contian")
    refused = (await client.post(f"{address}/backtest", json={"source": wrong}, headers=token)).json()
    assert "unknown-action" in refused["problems"][0]
    waits = (await client.post(f"{address}/backtest", json={}, headers=token)).json()["id"]
    over = await client.post(f"{address}/trials/{waits}/cancel", headers=token)
    assert (over.json()["state"], over.json()["cancelled_by"]) == ("cancelled", "megan.bowen")


async def test_a_release_is_proven_and_where_that_is_demanded_publishing_waits_for_it(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    token = {"X-CSRF-Token": csrf(client, embedded)}
    address = "/api/v1/playbooks/Contain%20ransomware"
    version = (await client.get(f"{address}/versions")).json()["items"][0]["version"]
    assert (await client.get(f"{address}/versions/{version}")).json()["release_proven"] is None
    asked = await client.post(f"{address}/proof", json={"version": version}, headers=token)
    assert (asked.status_code, asked.json()["proven"]) == (202, None)
    await _work(embedded)
    one = (await client.get(f"{address}/versions/{version}")).json()
    assert (one["release_proven"], one["trial"]) == (True, asked.json()["id"])
    steps = (await client.get(f"{address}/trials/{one['trial']}")).json()["steps"]
    assert (steps[0]["step"], steps[0]["by"]) == ("cut", "timer")
    assert (await client.post(f"{address}/proof", json={"source": "a: b"}, headers=token)).status_code == 400
    embedded.run_now(lambda tx: rules.put(tx, contoso.organization_id, Rules(prove="demand"), "megan.bowen"))
    waits = (await client.post("/api/v1/playbooks", json={"source": TEXT}, headers=token)).json()
    assert (waits["playbook"], waits["question"]) == (None, None)
    assert waits["trial"]
    await _work(embedded)
    done = (await client.post("/api/v1/playbooks", json={"source": TEXT}, headers=token)).json()
    assert (done["playbook"]["version"], done["trial"]) == ("1.0", None)
