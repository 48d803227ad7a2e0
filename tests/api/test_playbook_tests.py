import httpx

from ringfence.storage import Database
from webfixtures import csrf

_API = "/api/v1/playbooks/test"
_SOURCE = """\
ringfence: 1
name: Note the host
trigger: {type: manual, on: machine}
steps:
  note: {action: logic.set, with: {values: {host: "${trigger.machine.id}"}}}
  look: {action: defender.get_machine, with: {machine: x}, after: note}
tests:
  - name: it notes the host
    trigger: {machine: {id: abc}}
    mocks: {look: {output: {id: abc}}}
    expect: {status: succeeded, outputs: {note: {host: abc}}}
  - name: it expects another
    trigger: {machine: {id: abc}}
    mocks: {look: {output: {}}}
    expect: {outputs: {note: {host: def}}}
  - {name: it reads, trigger: {machine: {id: abc}}, expect: {status: succeeded}}
"""


async def test_the_tests_of_a_playbook_are_carried_out_and_say_what_differs(
    client: httpx.AsyncClient, embedded: Database
) -> None:
    assert (await client.post(_API, json={"source": _SOURCE})).status_code == 403
    client.headers["X-CSRF-Token"] = csrf(client, embedded)
    found = (await client.post(_API, json={"source": _SOURCE})).json()
    assert (found["playbook"], found["passed"], found["failed"]) == ("Note the host", 1, 2)
    good, other, unread = found["tests"]
    assert (good["passed"], good["report"]["status"]) == (True, "succeeded")
    assert "def" in other["differences"][0]["expected"]
    assert "would read" in unread["undecided"]
    one = (await client.post(_API, json={"source": _SOURCE, "only": "NOTES"})).json()
    assert [each["number"] for each in one["tests"]] == [1]
    wrong = await client.post(_API, json={"source": _SOURCE.replace("logic.set", "logic.sett")})
    assert (wrong.status_code, "unknown-action" in wrong.json()["problems"][0]) == (400, True)
