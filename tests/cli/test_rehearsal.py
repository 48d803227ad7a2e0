import asyncio
from typing import Any

from cli_world import Ringfence
from played import work
from ringfence.playbooks import trials
from ringfence.playbooks.playing import Played, PlayedStep
from ringfence.playbooks.trials import Kind
from ringfence.settings import Settings
from ringfence.storage import Transaction

LOOK = """\
ringfence: 1
name: Look
trigger: {type: defender.alert, severity: [High]}
steps: {one: {action: logic.set, with: {values: {a: 1}}}}
"""
STEP = PlayedStep(step="one", iteration=0, action="logic.set", status="succeeded", outcome="success", output={"a": 1})


def test_what_was_tried_is_listed_and_what_came_of_it_is_shown(ringfence: Ringfence) -> None:
    assert "Nothing was tried yet" in ringfence("rehearsal", "list").stderr
    installation = ringfence.open(Settings(data=ringfence.data))
    organization = installation.organization()

    def ask(tx: Transaction) -> list[str]:
        play = {"on": "a start by hand", "document": {}, "starts": True, "why": "By hand."}
        asked: tuple[tuple[Kind, dict[str, Any]], ...] = (
            (Kind.REHEARSAL, play),
            (Kind.BACKTEST, {"days": 1}),
            (Kind.PROOF, {}),
        )
        return [
            trials.request(tx, organization.id, kind, "Look", LOOK, "ada", options=options).id
            for kind, options in asked
        ]

    played, past, proof = installation.database.run_now(ask)
    assert "requested" in ringfence("rehearsal", "show", played).stdout
    asyncio.run(work(installation.database, Played(status="succeeded", steps=(STEP,), notes=("Noted.",), machine="m")))
    installation.close()
    listed = ringfence.json("rehearsal", "list")["items"]
    assert {(each["id"], each["kind"], each["state"]) for each in listed} == {
        (played, "rehearsal", "done"),
        (past, "backtest", "done"),
        (proof, "proof", "done"),
    }
    assert [each["id"] for each in ringfence.json("rehearsal", "list", "--kind", "backtest")["items"]] == [past]
    assert "Look" in ringfence("rehearsal", "list", "--playbook", "Look").stdout
    shown = ringfence("rehearsal", "show", played)
    for words in ("a start by hand", "logic.set ▸ success", "The run ended as succeeded"):
        assert words in shown.stdout, words
    assert "Noted." in shown.stderr
    assert ringfence.json("rehearsal", "show", played)["played"]["report"]["steps"][0]["output"] == {"a": 1}
    assert "would have started" in ringfence("rehearsal", "show", past).stdout
    assert ringfence.json("rehearsal", "show", past)["backtest"]["started"] == 0
    assert "nothing to prove" in ringfence("rehearsal", "show", proof).stdout
    assert ringfence.error("rehearsal", "show", "nothing")["code"] == "not_found"
