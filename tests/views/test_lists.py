import pytest

from ringfence.errors import Invalid, NotFound
from ringfence.views.lists import LISTS, LONGEST, by_name


def test_a_filter_has_one_form_whatever_the_spelling() -> None:
    alerts, incidents = LISTS["alerts"], LISTS["incidents"]
    one = alerts.normal("q=+fin-ws++&cursor=x&severity=Low&severity=High&severity=High&category=&csv=1")
    assert one == "severity=High&severity=Low&q=fin-ws"
    assert alerts.normal(one) == one
    assert alerts.normal("severity=Low&q=fin-ws&severity=High") == one
    assert incidents.normal("show=unresolved&severity=High&q=") == "severity=High"
    assert incidents.normal("show=all") == "show=all"
    assert alerts.unknown("severity=High&colour=red&q=") == ["colour"]


def test_what_is_too_long_to_be_kept_is_refused() -> None:
    for query in ("q=" + "x" * (LONGEST + 1), "&".join(f"severity={number}" for number in range(300))):
        with pytest.raises(Invalid, match="too long"):
            LISTS["alerts"].normal(query)
    with pytest.raises(Invalid, match="too long"):
        LISTS["alerts"].unknown("&".join(f"a{number}=1" for number in range(300)))


def test_chosen_columns_keep_the_order_of_the_choice_and_what_leads_to_a_row_is_always_there() -> None:
    alerts = LISTS["alerts"]
    assert [each.key for each in alerts.chosen(["seen", "owner", "no-such"])] == ["alert", "seen", "owner"]
    assert [each.key for each in alerts.chosen(["seen", "alert", "seen"])] == ["seen", "alert"]
    assert "owner" not in {each.key for each in alerts.usual_columns}
    for kind in LISTS.values():
        keys = [each.key for each in kind.columns]
        assert len(set(keys)) == len(keys)
        assert not keys or sum(each.fixed for each in kind.columns) == 1, kind.name


def test_a_list_that_there_is_not_is_told_with_one_that_is_like_it() -> None:
    assert by_name("alerts").address == "/alerts"
    with pytest.raises(NotFound) as caught:
        by_name("alert")
    assert "'alerts'" in caught.value.advice
    with pytest.raises(NotFound) as caught:
        by_name("zzz")
    assert "executions" in caught.value.advice
