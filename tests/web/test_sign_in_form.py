from starlette.requests import Request

from ringfence.web import Services
from ringfence.web.rendering import Pages
from ringfence.web.sign_in_form import SignInForm


async def test_a_provider_that_is_gone_is_not_offered_to_sign_out_at(services: Services) -> None:
    request = Request(
        {
            "type": "http",
            "method": "GET",
            "path": "/sign-in",
            "query_string": b"",
            "headers": [],
            "state": {"session": None, "actor": None},
        }
    )
    page = await SignInForm(services, Pages()).show(request, "https://evil.test", left="gone", name="<megan>")
    text = bytes(page.body).decode()
    assert page.status_code == 200
    assert "signed out here" not in text
    assert 'name="next" value="/"' in text
    assert "&lt;megan&gt;" in text
