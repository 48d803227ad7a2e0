from starlette.requests import Request

from contoso import Contoso
from ringfence.security import known_browsers, people
from ringfence.storage import Database
from ringfence.web import Services
from ringfence.web.entrance import Entrance


def _request(cookie: str = "") -> Request:
    headers = [(b"cookie", cookie.encode()), (b"host", b"ringfence.test")]
    return Request(
        {
            "type": "http",
            "scheme": "http",
            "path": "/",
            "query_string": b"",
            "headers": headers,
            "client": ("198.51.100.7", 1),
        }
    )


def test_a_browser_is_counted_apart_only_for_the_person_who_knows_it(
    services: Services, embedded: Database, contoso: Contoso
) -> None:
    user = embedded.read_now(lambda tx: people.get(tx, contoso.user_id))
    cookie = f"ringfence-known={known_browsers.introduce(services.sender.vault, user.id)}"
    other = f"ringfence-known={known_browsers.introduce(services.sender.vault, 'alex')}"
    entrance = Entrance(services)
    assert entrance.attempt(_request(cookie), "megan", user).browser
    for attempt in (
        entrance.attempt(_request(other), "megan", user),
        entrance.attempt(_request(cookie), "megan", None),
        entrance.attempt(_request(), "megan", user),
    ):
        assert (attempt.browser, attempt.address) == (None, "198.51.100.7")


async def test_nobody_is_led_to_another_site(services: Services, embedded: Database, contoso: Contoso) -> None:
    user = embedded.read_now(lambda tx: people.get(tx, contoso.user_id))
    entered = await Entrance(services).go_on(_request(), user, "password", "//evil.test")
    assert entered.headers["location"] == "/"
