"""The menu leads to pages that are there, by keys that are each one page's, and shows nobody what they may not look at."""

import re
from collections import Counter

import httpx

from ringfence.security.rbac import PERMISSIONS, Permission, Role, acting_as
from ringfence.web import menu


async def test_each_page_of_the_menu_is_there_and_marked_in_it(client: httpx.AsyncClient) -> None:
    for each in menu.entries():
        if each.permission not in PERMISSIONS[Role.ORGANIZATION_ADMINISTRATOR]:
            continue
        answer = await client.get(each.address)
        assert answer.status_code == 200, each
        assert f'<a href="{each.address}" aria-current="page"' in answer.text, each
        assert 'action="/sign-out"' in answer.text, each


def test_keys_and_names_are_told_apart() -> None:
    # `v` leads to the board of all organizations, which stands beside the menu.
    keys = Counter(["v", *(each.key for each in menu.entries() if each.key)])
    assert not [key for key, many in keys.items() if many > 1 or len(key) != 1]
    assert not [name for name, many in Counter(each.name for each in menu.entries()).items() if many > 1]


def test_below_a_page_it_is_marked_but_not_as_the_page_itself() -> None:
    alerts = next(each for each in menu.entries() if each.name == "Alerts")
    assert [alerts.current(path) for path in ("/alerts", "/alerts/7", "/alertsx", "/")] == ["page", "true", None, None]


def test_who_may_not_look_at_something_is_not_led_there() -> None:
    scopes = [Permission.ALERT_READ, Permission.AUDIT_READ]
    token = acting_as(
        Role.ANALYST, user_id="7", name="ines", organization_id="o", label="x", how="token", scopes=scopes
    )
    shown = {each.address for group in menu.for_actor(token) for each in group.entries}
    assert shown == {"/alerts", "/audit"}
    assert menu.for_actor(None) == ()


async def test_a_page_comes_with_its_own_group_open_and_with_those_that_this_browser_has_open(
    client: httpx.AsyncClient,
) -> None:
    async def opened(address: str) -> set[str]:
        page = (await client.get(address)).text
        return set(re.findall(r'data-menu="(\w+)" open', page))

    assert await opened("/") == {"watch", "contain", "automate"}
    assert await opened("/accounts") == {"watch", "contain", "automate", "connect"}
    client.cookies.set(menu.COOKIE, "connect.nonsense")
    assert await opened("/") == {"watch", "connect"}
    assert await opened("/organizations/board") == {"connect", "account"}
