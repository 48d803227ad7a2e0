from fastapi import FastAPI
from starlette.requests import Request

from ringfence.errors import Conflict
from ringfence.views.lists import LISTS
from ringfence.views.selection import Outcome
from ringfence.web.rendering import Pages
from ringfence.web.selection import Label, Work, report


def said(app: FastAPI, *outcomes: Outcome, came: str = "/") -> tuple[int, str]:
    state = {"session": None, "actor": None}
    headers = [(b"referer", came.encode())]
    request = Request(
        {
            "type": "http",
            "method": "POST",
            "app": app,
            "path": "/",
            "query_string": b"",
            "headers": headers,
            "state": state,
        }
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


def test_people_go_back_to_the_list_as_they_had_filtered_it_or_to_the_one_that_they_changed(app: FastAPI) -> None:
    for came, back, word in (
        ("http://ringfence.test/alerts?severity=High&q=a", "/alerts?severity=High&amp;q=a", "alerts"),
        ("http://ringfence.test/alerts/one", "/alerts/one", "alert"),
        ("http://ringfence.test/alerts/selected", "/alerts", "alerts"),
        ("http://ringfence.test/me", "/alerts", "alerts"),
        ("http://[", "/alerts", "alerts"),
    ):
        page = said(app, Outcome("one"), came=came)[1]
        link = page.rpartition('<a class="button" href="')[2]
        assert link.startswith(f'{back}">'), came
        assert f"Back to the {word}<" in link
