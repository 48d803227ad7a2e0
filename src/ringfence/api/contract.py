"""The contract of the API: OpenAPI 3.1, made of the routes, their docstrings and examples that are played in the tests.

The first sentence of a route's docstring is its summary. What holds for every operation (errors, who may call it, headers) is
said here once. Operation ids are the noun of the address and the name of the function: renaming one breaks clients.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from typing import Any, Final

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute, iter_route_contexts

from ringfence.api import wording
from ringfence.api.problems import MEDIA_TYPE, Fault, Problem
from ringfence.security.access import Needs

Document = dict[str, Any]
METHODS: Final = ("get", "put", "post", "patch", "delete")
WRITES: Final = METHODS[1:]


def operation_id(route: APIRoute) -> str:
    """Return the stable name of an operation: `alerts_list`, `incidents_close`."""
    noun, *below = [each.replace("-", "_") for each in route.path_format.split("/") if each and "{" not in each]
    word = route.name.strip("_")
    usual = wording.USUAL.get(word)
    # What is usual is told apart by the list that it is of: users_list, users_list_sessions.
    made = f"{noun}_{word}" if usual is None else "_".join((noun, usual, *below[-1:]))
    return wording.NAMES.get(made, made)


def install(api: FastAPI) -> None:
    """Let `api` answer `openapi.json` with the contract, made once."""
    made = cache(lambda: contract(api))
    api.openapi = made  # type: ignore[method-assign]


def contract(api: FastAPI) -> Document:
    """Return the contract of an API."""
    document = get_openapi(title=api.title, version=api.version, description=wording.DESCRIPTION, routes=api.routes)
    document["info"]["license"] = {"name": "Apache-2.0", "identifier": "Apache-2.0"}
    needed = _permissions(api)
    document["servers"] = [{"url": "/api/v1"}]
    document["security"] = [{"token": []}, {"session": []}]
    components = document.setdefault("components", {})
    components["securitySchemes"] = {
        "token": {"type": "http", "scheme": "bearer", "description": "An API token of a person."},
        "session": {
            "type": "apiKey",
            "in": "cookie",
            "name": "ringfence",
            "description": "The session of a signed-in browser; writes also need the header X-CSRF-Token.",
        },
    }
    schemas = components.setdefault("schemas", {})
    for model in (Fault, Problem):
        made = model.model_json_schema(mode="serialization", ref_template="#/components/schemas/{model}")
        schemas |= made.pop("$defs", {})
        schemas[model.__name__] = made
    components["responses"] = {
        reason[0]: _problem_response(status, *reason[1:]) for status, reason in wording.REASONS.items()
    } | {"Unexpected": _response("Something went wrong on our side, or in between.", None)}
    components["headers"] = wording.HEADERS
    document = _rename(document)
    used = []
    for path, method, operation in operations(document):
        _complete(path, method, operation)
        if permission := needed.get(operation["operationId"]):
            operation["x-permission"] = permission
            operation["description"] += f" Needs the permission `{permission}`."
        used += operation["tags"]
    document["tags"] = [{"name": name, "description": said} for name, said in wording.TAGS.items() if name in used]
    _with_examples(document)
    return document


def operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Yield path, method and description of every operation of a contract."""
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                yield path, method, item[method]


def _permissions(api: FastAPI) -> Mapping[str, str]:
    """Return the permission that each operation needs: the last one declared, since those of routers come before."""
    found = {}
    for route in iter_route_contexts(api.routes):
        for each in getattr(route, "dependencies", ()):
            if isinstance(each.dependency, Needs):
                found[route.operation_id or route.unique_id] = str(each.dependency.permission)
    return found


def _noun(path: str) -> str:
    return path.strip("/").partition("/")[0]


def _complete(path: str, method: str, operation: Document) -> None:
    operation["tags"] = [_noun(path)]
    said = " ".join(operation.get("description", "").split())
    first, _, rest = said.partition(". ")
    operation["summary"] = first.removesuffix(".")
    operation["description"] = rest or said
    parameters = operation.setdefault("parameters", [])
    if method in WRITES and not any(each["name"].lower() == "idempotency-key" for each in parameters):
        kind = {"type": "string", "maxLength": 200}
        parameters.append({"name": "Idempotency-Key", "in": "header", "required": False, "schema": kind})
    for each in parameters:
        each["name"] = {"if-match": "If-Match", "idempotency-key": "Idempotency-Key"}.get(each["name"], each["name"])
        if not each.get("description"):
            each["description"] = each["schema"].pop("description", None) or _described(each["name"], each["in"])
        each["schema"].pop("title", None)
    if not parameters:
        del operation["parameters"]
    _errors(path, method, operation)


def _described(name: str, where: str) -> str:
    words = name.replace("_", " ").replace("-", " ")
    if name in wording.PARAMETERS:
        return wording.PARAMETERS[name]
    if where == "path":
        return f"The id of the {words.removesuffix(' id')}." if name.endswith("_id") else f"Which {words}."
    return f"Only those with this {words}." if where == "query" else f"The header {name}."


def _errors(path: str, method: str, operation: Document) -> None:
    responses = operation["responses"]
    responses.pop("default", None)
    if MEDIA_TYPE not in responses.get("422", {}).get("content", {}):
        responses.pop("422", None)
    named = {each["name"] for each in operation.get("parameters", ())}
    statuses = [401, 403, 429]
    if named or "requestBody" in operation:
        statuses.append(400)
    if "{" in path:
        statuses.append(404)
    if method in WRITES:
        statuses += [409, 422, 503]
    if "requestBody" in operation:
        statuses += [413, 415]
    if "If-Match" in named:
        statuses += [412, 428]
    for status in sorted(statuses):
        responses.setdefault(str(status), {"$ref": f"#/components/responses/{wording.REASONS[status][0]}"})
    responses["default"] = {"$ref": "#/components/responses/Unexpected"}
    for status, response in responses.items():
        if not status.startswith("2"):
            continue
        if method == "get" and "application/json" in response.get("content", {}):
            response.setdefault("headers", {})["ETag"] = {"$ref": "#/components/headers/ETag"}
            if "cursor" in named:
                response["headers"]["Link"] = {"$ref": "#/components/headers/Link"}
        if response.get("description") == "Successful Response":
            response["description"] = (
                "Done; there is nothing to say." if status == "204" else f"{operation['summary']}."
            )


def _problem_response(status: int, description: str, code: str, detail: str, advice: str) -> Document:
    example: Document = {
        "type": "about:blank",
        "title": wording.PHRASES[status],
        "status": status,
        "code": code,
        "detail": detail,
        "advice": advice,
        "problems": [],
        "errors": [],
    }
    if status == 400:
        found = {"detail": "Input should be greater than or equal to 1", "parameter": "limit"}
        example |= {"problems": ["limit: Input should be greater than or equal to 1"], "errors": [found]}
    if status == 403:
        example["permission"] = "containment:contain"
    made = _response(description, example)
    if status in (429, 503):
        made["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return made


def _response(description: str, example: Document | None) -> Document:
    content: Document = {"schema": {"$ref": "#/components/schemas/Problem"}}
    if example is not None:
        content["example"] = example
    return {"description": description, "content": {MEDIA_TYPE: content}}


def _rename(document: Document) -> Document:
    """Give schemas names that do not tell where the code stands: AlertsDifference, AlertListing."""
    names = {name: _schema_name(name) for name in document["components"]["schemas"]}
    text = json.dumps(document)
    for name, better in names.items():
        if name != better:
            text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{better}"')
    renamed: Document = json.loads(text)
    schemas = renamed["components"]["schemas"]
    renamed["components"]["schemas"] = {}
    for name in sorted(schemas, key=lambda each: names[each]):
        schema = schemas[name]
        schema.pop("title", None)
        if "description" not in schema:
            said = "One page of a list." if names[name].endswith("Listing") else "Any JSON."
            schema["description"] = said
        for each in schema.get("properties", {}).values():
            each.pop("title", None)
        renamed["components"]["schemas"][names[name]] = schema
    return renamed


def _schema_name(name: str) -> str:
    if listed := re.fullmatch(r"Listing_(\w+?)_", name):
        return f"{_schema_name(listed[1])}Listing"
    if "__" in name:
        *_, module, own = name.split("__")
        return "".join(part.capitalize() for part in module.split("_")) + own
    return name


@cache
def examples() -> Mapping[str, Any]:
    """Return what was sent and answered, by operation id: `parameters`, `body`, `status`, `headers`, `answer`."""
    found: Mapping[str, Any] = json.loads((resources.files("ringfence.api") / "examples.json").read_text("utf-8"))
    return found


def _with_examples(document: Document) -> None:
    schemas = document["components"]["schemas"]
    for _, _, operation in operations(document):
        played = examples().get(operation["operationId"])
        if played is None:
            continue
        for each in operation.get("parameters", ()):
            if each["name"] in played.get("parameters", {}):
                each["example"] = played["parameters"][each["name"]]
        for content in operation.get("requestBody", {}).get("content", {}).values():
            if "body" in played:
                content["example"] = played["body"]
                _give(schemas, content.get("schema", {}), played["body"])
        response = operation["responses"].get(str(played["status"]), {})
        for name, value in played.get("headers", {}).items():
            said = {"description": wording.FILE_NAME, "schema": {"type": "string"}, "example": value}
            response.setdefault("headers", {})[name] = said
        # What is written in several forms has its example in the first.
        for content in list(response.get("content", {}).values())[:1] if "answer" in played else ():
            content["example"] = played["answer"]
            _give(schemas, content.get("schema", {}), played["answer"])
    problem = document["components"]["responses"]["Invalid"]["content"][MEDIA_TYPE]["example"]
    _give(schemas, {"$ref": "#/components/schemas/Problem"}, problem)


def _give(schemas: Document, schema: Document, value: Any) -> None:
    """Give the schemas that a value has the parts of it as their examples, the first that comes."""
    if reference := schema.get("$ref"):
        named = schemas[reference.rpartition("/")[2]]
        if "examples" not in named:
            named["examples"] = [value]
            _give(schemas, named, value)
        return
    if value is None:
        return
    for each in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
        if _fits(each, value):
            _give(schemas, each, value)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for item in value:
            _give(schemas, schema["items"], item)
    if isinstance(value, dict):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                _give(schemas, part, value[name])


def _fits(schema: Document, value: Any) -> bool:
    kinds = {"object": dict, "array": list, "string": str}
    wanted = kinds.get(schema.get("type", ""))
    return isinstance(value, dict) if "$ref" in schema else wanted is not None and isinstance(value, wanted)
