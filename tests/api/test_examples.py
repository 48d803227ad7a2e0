"""The examples of the contract stay true: they are played again, and answered in the same shape."""

import httpx

from api_contract import document
from api_examples import PLAYS, differences, play, recorded
from contoso import Contoso
from ringfence.api.contract import examples, operations
from ringfence.storage import Database
from webfixtures import csrf

# What is a file or a stream, what needs another system, and nouns whose examples are still to come.
_WITHOUT = {
    "alerts": set[str](),
    "approvals": {"approvals_get", "approvals_answer"},
    "audit": {"audit_export"},
    "changes": {"changes_stream"},
    "channels": {"channels_test"},
    "containments": {"containments_proof_package"},
    "drills": {
        "drills_begin", "drills_abort", "drills_allow_device", "drills_forbid_device",
        "drills_create_schedule", "drills_remove_schedule",
    },
    "incidents": {"incidents_fill_form", "incidents_cancel_form"},
    "notifications": {"notifications_take"},
    "mailboxes": {"mailboxes_create", "mailboxes_get", "mailboxes_remove", "mailboxes_list_messages"},
    "playbooks": {"playbooks_change_rules"},
    "runs": {"runs_get_attachment"},
    "tables": {"tables_export", "tables_import"},
}  # fmt: skip
_OURS = {name.partition("_")[0] for name in (each.operation for each in PLAYS)} - {"accounts", "playbooks"}


async def test_each_example_is_answered_in_the_same_shape(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso
) -> None:
    played = recorded(await play(client, document(), contoso, csrf(client, embedded)))
    shown = examples()
    assert sorted(shown) == sorted(played), "Run tools/api-examples."
    wrong = []
    for name, example in shown.items():
        if example["status"] != played[name]["status"]:
            wrong.append(f"{name}: {example['status']} is {played[name]['status']}")
        wrong += [f"{name}{each}" for each in differences(example.get("answer"), played[name].get("answer"))]
    assert wrong == [], "Run tools/api-examples."


def test_every_operation_of_ours_has_an_example() -> None:
    missing = {
        name
        for _, _, operation in operations(document())
        if (name := operation["operationId"]) not in examples() and name.partition("_")[0] in _OURS
    }
    assert missing <= set().union(*_WITHOUT.values())


def test_examples_name_nobody_real_and_hold_no_secret() -> None:
    text = str(examples())
    assert "contoso.com" in text
    for secret in ("whsec_", "Bearer "):
        for part in text.split(secret)[1:]:
            assert part.startswith(("ZXhhbXBsZSBvbmx5OyB0aGlzIHNpZ25zIG5vdGhpbmc=", "YOUR"))


def test_a_difference_in_shape_is_named_by_its_place() -> None:
    was = {"a": [{"b": 1, "c": "x"}], "d": None, "e": []}
    assert list(differences(was, {"a": [{"b": 2.0, "c": "y"}], "d": 4, "e": [1]})) == []
    found = list(differences(was, {"a": [{"b": "2"}], "d": 4, "f": 0}))
    assert found == [
        "/e is only in the example",
        "/f is only in the answer",
        "/a/0/c is only in the example",
        "/a/0/b is int in the example and str in the answer",
    ]
