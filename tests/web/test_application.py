"""What holds for every address."""

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from contoso import Contoso, seed
from ringfence.storage import Database
from webfixtures import open_client, sign_in

_OPEN = {"/answer", "/healthz", "/sign-in", "/sign-out", "/theme"}
_ENTERING = "/sign-in/"


def own_routes(app: FastAPI) -> list[tuple[str, str]]:
    """List method and path of every route."""
    found = []
    todo = list(app.routes)
    while todo:
        route = todo.pop()
        if isinstance(route, APIRoute):
            found += [(method, route.path) for method in route.methods or ()]
        else:
            todo += getattr(getattr(route, "original_router", None), "routes", [])
    return found


class _Ids(dict[str, str]):
    """The ids of what there is; where a path asks for any other, one that is nobody's."""

    def __missing__(self, name: str) -> str:
        return "none"


def fill(path: str, contoso: Contoso) -> str:
    """Put ids into a path."""
    return path.replace(":path}", "}").format_map(
        _Ids(
            alert_id=contoso.alert_id,
            run_id=contoso.run_id,
            containment_id=contoso.containment_id,
            playbook_id=contoso.playbook_id,
        )
    )


async def test_every_page_needs_a_session(app: FastAPI, visitor: httpx.AsyncClient, contoso: Contoso) -> None:
    routes = own_routes(app)
    assert len(routes) > 15
    for method, path in routes:
        if path in _OPEN or path.startswith(_ENTERING):
            continue
        answer = await visitor.request(method, fill(path, contoso))
        if path in ("/events", "/metrics") or "/design/" in path or "/canvas/" in path:
            assert answer.status_code == 401
        elif method == "GET":
            assert answer.status_code == 303, path
            assert answer.headers["location"].startswith("/sign-in"), path
        else:
            assert answer.status_code == 401, path


async def test_every_change_needs_the_sessions_token_and_our_own_origin(
    app: FastAPI, client: httpx.AsyncClient, contoso: Contoso
) -> None:
    changing = [(method, path) for method, path in own_routes(app) if method not in {"GET", "HEAD"}]
    assert len(changing) >= 5
    for method, path in changing:
        for form in ({}, {"csrf": "wrong"}):
            answer = await client.request(method, fill(path, contoso), data=form)
            assert answer.status_code == 403, path
            assert "does not belong to your session" in answer.text
        for origin in ("http://evil.test", "null", "http://ringfence.test.evil.test"):
            answer = await client.request(method, fill(path, contoso), headers={"Origin": origin})
            assert answer.status_code == 403, path
            assert "was not sent from a page" in answer.text


async def test_another_organizations_things_are_not_found(
    app: FastAPI, embedded: Database, contoso: Contoso, client: httpx.AsyncClient
) -> None:
    other = embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    async with open_client(app) as stranger:
        form_token = sign_in(stranger, embedded, other.user_id)
        for path in (
            "alerts/{alert_id}",
            "executions/{run_id}",
            "containment/{containment_id}",
            "playbooks/{playbook_id}",
        ):
            assert (await client.get("/" + fill(path, contoso))).status_code == 200, path
            assert (await stranger.get("/" + fill(path, contoso))).status_code == 404, path
        release = f"/containment/{contoso.containment_id}/release"
        answer = await stranger.post(release, data={"csrf": form_token, "reason": "Not mine"})
        assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/", "/alerts", "/executions", "/containment", "/playbooks", "/accounts"])
async def test_lists_are_of_the_own_organization(
    app: FastAPI, embedded: Database, client: httpx.AsyncClient, path: str
) -> None:
    embedded.run_now(lambda tx: seed(tx, organization="fabrikam", user="alex.wilber"))
    before = await client.get(path)
    assert before.status_code == 200
    twice = [row for row in before.text.split("<tr")[1:] if "fin-ws-014" in row or "Contain ransomware" in row]
    ids = {row.split('href="')[1].split('"')[0] for row in twice if 'href="' in row}
    for address in ids:
        assert (await client.get(address)).status_code == 200, address
