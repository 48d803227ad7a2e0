"""The contract: every operation and schema says what it is, and nothing in it is left to guessing."""

import json
from collections import Counter

from fastapi import APIRouter, FastAPI
from starlette.requests import Request

from api_contract import document
from ringfence.api import contract, wording
from ringfence.api.contract import operations


def test_every_operation_has_a_summary_a_description_a_tag_and_a_name_of_its_own() -> None:
    made = document()
    assert made["openapi"].startswith("3.1")
    found = list(operations(made))
    assert len(found) > 130
    for path, method, operation in found:
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert not operation["summary"].endswith("."), operation["operationId"]
        assert operation["tags"] == [path.split("/")[1]]
        assert operation["tags"][0] in wording.TAGS, f"Say in api/wording.py what {operation['tags'][0]} are."
    names = Counter(operation["operationId"] for _, _, operation in found)
    assert [name for name, times in names.items() if times > 1] == []
    assert set(wording.NAMES.values()) <= set(names)


def test_every_parameter_and_every_schema_is_described() -> None:
    made = document()
    for _, _, operation in operations(made):
        for each in operation.get("parameters", ()):
            assert each["description"], (operation["operationId"], each["name"])
    for name, schema in made["components"]["schemas"].items():
        assert schema["description"], name
        assert "__" not in name


def test_every_operation_names_the_errors_that_it_can_end_in() -> None:
    for path, method, operation in operations(document()):
        said = set(operation["responses"])
        assert {"401", "403", "429", "default"} <= said
        assert ("404" in said) or "{" not in path
        if method != "get":
            assert {"409", "422"} <= said
        if "requestBody" in operation:
            assert {"400", "413", "415"} <= said


def test_every_reference_leads_somewhere_and_no_place_of_a_machine_is_named() -> None:
    made = document()
    text = json.dumps(made)
    for found in set(_references(made)):
        part = made
        for step in found.removeprefix("#/").split("/"):
            part = part[step]
    assert "/home/" not in text
    assert "/work" not in text
    assert made["servers"] == [{"url": "/api/v1"}]


def test_a_schema_of_two_modules_is_named_after_its_noun() -> None:
    assert "AlertsDifference" in document()["components"]["schemas"]
    assert "AlertListing" in document()["components"]["schemas"]


def test_what_is_new_is_described_by_its_docstring() -> None:
    api = FastAPI(generate_unique_id_function=contract.operation_id)
    router = APIRouter(prefix="/teams")

    @router.post("/{team_id}/wake")
    async def wake(team_id: str, request: Request) -> dict[str, str]:
        """Wake a team. It is told at once."""
        return {}

    api.include_router(router)
    ((path, method, operation),) = operations(contract.contract(api))
    assert (path, method, operation["operationId"]) == ("/teams/{team_id}/wake", "post", "teams_wake")
    assert (operation["summary"], operation["description"]) == ("Wake a team", "It is told at once.")
    assert [each["name"] for each in operation["parameters"]] == ["team_id", "Idempotency-Key"]


def _references(part: object) -> list[str]:
    if isinstance(part, dict):
        own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
        # What an example says is its own: it may be a schema itself.
        parts = [value for name, value in part.items() if name not in ("example", "examples")]
        return own + [each for value in parts for each in _references(value)]
    if isinstance(part, list):
        return [each for value in part for each in _references(value)]
    return []
