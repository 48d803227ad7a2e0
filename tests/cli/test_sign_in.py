from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from cli_world import Ringfence
from ringfence.app import ORIGIN_FILE
from ringfence.cli.sign_in import origin_of
from ringfence.errors import Invalid
from ringfence.security import links
from ringfence.settings import Settings


def test_the_address_alone_is_on_stdout_and_signs_its_user_in_once(ringfence: Ringfence) -> None:
    done = ringfence("sign-in-link", "--user", "adele")
    (address,) = done.stdout.splitlines()
    assert address.startswith("http://127.0.0.1:8080/sign-in/link?token=")
    assert "adele" in done.stderr
    (token,) = parse_qs(urlsplit(address).query)["token"]
    installation = ringfence.open(Settings(data=ringfence.data))
    database = installation.database
    user = database.run_now(lambda tx: links.use(tx, token))
    assert (user.name, user.organization_id) == ("adele", installation.organization().id)
    installation.close()


def test_it_leads_to_where_a_server_of_the_data_folder_listens_unless_the_settings_say_more(
    ringfence: Ringfence,
) -> None:
    (ringfence.data / ORIGIN_FILE).write_text("http://127.0.0.1:8087")
    assert ringfence("sign-in-link").stdout.startswith("http://127.0.0.1:8087/sign-in/link?")
    assert ringfence.json("webhook", "add", "siem")["webhook"]["address"].startswith("http://127.0.0.1:8087/hooks/")
    public = Settings(data=ringfence.data, public_url="https://soc.contoso.com/")
    assert origin_of(public) == "https://soc.contoso.com"


def test_as_json_it_says_who_and_for_how_long(ringfence: Ringfence) -> None:
    document = ringfence.json("sign-in-link", "--user", "adele", "--url", "https://ringfence.contoso.com/")
    assert document["url"].startswith("https://ringfence.contoso.com/sign-in/link?token=")
    assert (document["user"], document["organization"], document["seconds"]) == ("adele", "default", 900.0)


def test_a_second_link_is_for_the_same_user(ringfence: Ringfence) -> None:
    first, second = (ringfence("sign-in-link", "--user", "adele").stdout for _ in range(2))
    assert first != second


def test_a_name_that_cannot_be_one_is_an_error(ringfence: Ringfence) -> None:
    assert ringfence.error("sign-in-link", "--user", "x" * 201)["code"] == "invalid"


@pytest.mark.parametrize(
    ("settings", "origin"),
    [
        ({}, "http://127.0.0.1:8080"),
        ({"host": "0.0.0.0", "port": 9000}, "http://127.0.0.1:9000"),
        ({"host": "::"}, "http://[::1]:8080"),
        ({"host": "ringfence.contoso.com"}, "http://ringfence.contoso.com:8080"),
        ({"public_url": "https://ringfence.contoso.com/"}, "https://ringfence.contoso.com"),
    ],
)
def test_the_origin_is_where_people_reach_the_pages(settings: dict[str, object], origin: str) -> None:
    assert origin_of(Settings(data=Path("unused")).model_copy(update=settings)) == origin


def test_a_port_that_only_the_server_knows_has_to_be_said() -> None:
    with pytest.raises(Invalid, match="--url"):
        origin_of(Settings(data=Path("unused"), port=0))
