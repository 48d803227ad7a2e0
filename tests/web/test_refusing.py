import pytest
from starlette.responses import Response
from starlette.types import Message, Scope

from ringfence.errors import TooSlow
from ringfence.web.refusing import problem, refuse
from ringfence.web.rendering import Pages

ERROR = TooSlow("It took too long.", advice="Send it again.")


@pytest.mark.parametrize(("path", "kind"), [("/api/v1/runs", "application/problem+json"), ("/alerts", "text/html")])
async def test_programs_are_told_in_json_and_people_by_a_page(path: str, kind: str) -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": [], "scheme": "http"}
    scope.update(server=("ringfence.test", 80), root_path="")
    await refuse(Pages(), ERROR, scope, receive, send, headers={"Connection": "close"})
    headers = dict(sent[0]["headers"])
    assert sent[0]["status"] == 408
    assert headers[b"content-type"].decode().startswith(kind)
    assert headers[b"connection"] == b"close"
    assert b"It took too long." in sent[1]["body"]


def test_a_problem_has_what_programs_need() -> None:
    answer: Response = problem(ERROR)
    assert b'"code":"too_slow"' in bytes(answer.body)
    assert b'"advice":"Send it again."' in bytes(answer.body)
