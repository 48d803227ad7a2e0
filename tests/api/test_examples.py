"""The examples of the contract stay true: they are played again, and answered in the same shape."""

from collections.abc import AsyncIterator
from typing import Final

import httpx
import pytest

import api_plays
import api_plays_administration
from api_contract import document
from api_examples import differences, play, recorded
from contoso import Contoso
from example_stage import stage
from pretend_provider import PretendProvider
from ringfence.api import create_api
from ringfence.api.contract import examples, operations
from ringfence.storage import Database
from ringfence.web import Services, create_web
from webfixtures import csrf, open_client, sign_in
from webserver import Asked


@pytest.fixture
async def client(services: Services, embedded: Database, contoso: Contoso) -> AsyncIterator[httpx.AsyncClient]:
    """Give somebody at Contoso with all rights, where providers of identities answer."""
    api = create_api(services, providers=PretendProvider().transport)
    async with open_client(create_web(services, api=api)) as client:
        sign_in(client, embedded, contoso.user_id)
        yield client


PLAYS: Final = (*api_plays.PLAYS, *api_plays_administration.PLAYS)


async def test_each_example_is_answered_in_the_same_shape(
    client: httpx.AsyncClient, embedded: Database, contoso: Contoso, asked: Asked
) -> None:
    async with stage(embedded, contoso, asked) as set_up:
        came = await play(client, document(), PLAYS, set_up, csrf(client, embedded))
    played = recorded(came, set_up.disguise)
    shown = examples()
    assert sorted(shown) == sorted(played), "Run tools/api-examples."
    wrong = []
    for name, example in shown.items():
        if example["status"] != played[name]["status"]:
            wrong.append(f"{name}: {example['status']} is {played[name]['status']}")
        wrong += [f"{name}{each}" for each in differences(example.get("answer"), played[name].get("answer"))]
    assert wrong == [], "Run tools/api-examples."


def test_every_operation_has_an_example() -> None:
    found = {operation["operationId"] for _, _, operation in operations(document())}
    assert found - set(examples()) == set(), "Add a play in tests/api_plays.py and run tools/api-examples."


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
