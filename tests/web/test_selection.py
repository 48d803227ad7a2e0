from fastapi import FastAPI
from starlette.requests import Request

from ringfence.errors import Conflict
from ringfence.views.lists import LISTS
from ringfence.views.selection import Outcome
from ringfence.web.rendering import Pages
from ringfence.web.selection import Label, Work, report


def said(app: FastAPI, *outcomes: Outcome) -> tuple[int, str]:
    state = {"session": None, "actor": None}
    request = Request(
        {"type": "http", "method": "POST", "app": app, "path": "/", "query_string": b"", "headers": [], "state": state}
    )
    work = Work(LISTS["alerts"], "alert", "changed", {"status": "New"}, "It takes a while.")
    labels = {"one": Label("<b>One</b>", "/alerts/one", "fin-ws-014")}
    answer = report(request, Pages(), work, outcomes, labels)
    return answer.status_code, bytes(answer.body).decode()


def test_the_page_says_how_many_were_done_and_why_the_others_were_not(app: FastAPI) -> None:
    refused = Outcome("two", Conflict("It is taken.", advice="Ask alex."))
    status, page = said(app, Outcome("one"), refused)
    assert (status, "1 of 2 alerts changed" in page, "It takes a while." in page) == (200, True, True)
    assert "&lt;b&gt;One&lt;/b&gt;" in page
    assert "It is taken. Ask alex." in page
    assert "1 alert changed" in said(app, Outcome("one"))[1]
    status, page = said(app, refused)
    assert (status, "Nothing was changed" in page, "It takes a while." in page) == (409, True, False)
