from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ringfence.notifications.channels import Channel
from ringfence.notifications.events import Event
from ringfence.notifications.routing import Book, Rule, Told, Who, fits, missing, route

NIGHT = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
MORNING = datetime(2026, 3, 3, 6, tzinfo=UTC)
QUIET = "22:00-06:00 UTC"


def channel(name: str, **values: object) -> Channel:
    given = {
        "id": name,
        "organization_id": "contoso",
        "name": name,
        "kind": "service",
        "shown": "slack://…",
        "person": None,
        "events": (),
        "pause": 30.0,
        "quiet": "",
        "created_at": NIGHT,
        "created_by": "megan",
        "failures": 0,
        "error": "",
        "delivered_at": None,
        "by_rules": True,
    }
    return Channel(**given | values)  # type: ignore[arg-type]


BOOK = Book(
    (
        channel("all", by_rules=False),
        channel("soc"),
        channel("ines", person="ines"),
        channel("known", kind="address", shown="known@contoso.com"),
    ),
    {"tier-2": ("ines", "omar")},
)
CONFIRMED = Told(Event.CONTAINMENT_CONFIRMED, NIGHT, "Medium", "Servers")
FAILED = replace(CONFIRMED, event=Event.CONTAINMENT_FAILED)


def test_a_rule_is_about_kinds_least_severity_and_device_groups() -> None:
    everything = Rule("all", Who(("soc",)))
    for rule, wanted in (
        (everything, True),
        (replace(everything, events=("containment_confirmed",)), True),
        (replace(everything, events=("kill_switch",)), False),
        (replace(everything, severity="Medium"), True),
        (replace(everything, severity="High"), False),
        (replace(everything, device_groups=("servers",)), True),
        (replace(everything, severity="Low", device_groups=("Plant",)), False),
        (replace(everything, enabled=False), False),
    ):
        assert fits(rule, CONFIRMED) is wanted, rule
    # What no alert and no host is about is held back by neither.
    strict = replace(everything, severity="High", device_groups=("Plant",))
    assert fits(strict, Told(Event.ACCOUNT_FAILED, NIGHT))
    assert fits(strict, replace(CONFIRMED, severity="UnSpecified", device_group=""))


def test_it_goes_to_channels_people_teams_and_addresses_each_once() -> None:
    who = Who(("soc", "gone"), ("ines",), ("tier-2",), ("new@contoso.com", "known@contoso.com"))
    found = route(replace(BOOK, rules=(Rule("a", who), Rule("b", Who(("soc", "all"))))), CONFIRMED)
    assert sorted(each.to for each in found) == ["all", "ines", "known", "new@contoso.com", "soc"]
    assert [each.address for each in found if each.channel is None] == ["new@contoso.com"]
    assert [each.to for each in route(BOOK, CONFIRMED)] == ["all"]


def test_quiet_hours_hold_back_what_is_not_urgent_and_the_earliest_rule_counts() -> None:
    rule = Rule("quiet", Who(("soc",)), quiet=QUIET)
    quiet = replace(BOOK, rules=(rule,))
    due = {each.to: each.due_at for each in route(quiet, CONFIRMED)}
    assert due == {"all": NIGHT, "soc": MORNING}
    assert {each.due_at for each in route(quiet, FAILED)} == {NIGHT}
    loud = replace(BOOK, rules=(rule, Rule("loud", Who(("soc",)))))
    assert {each.to: each.due_at for each in route(loud, CONFIRMED)}["soc"] == NIGHT
    own = Book((channel("soc", quiet=QUIET),), {}, (Rule("loud", Who(("soc",))),))
    assert [each.due_at for each in route(own, CONFIRMED)] == [MORNING]


def test_others_are_called_at_once_when_the_time_to_take_it_over_is_past() -> None:
    rule = Rule("a", Who(("soc",)), quiet=QUIET, escalate_after=900.0, escalate_to=Who(("soc",), teams=("tier-2",)))
    found = route(Book((channel("soc"), channel("ines", person="ines")), BOOK.teams, (rule,)), FAILED)
    assert [(each.to, each.escalated, each.due_at - NIGHT) for each in found] == [
        ("soc", False, timedelta()),
        ("soc", True, timedelta(minutes=15)),
        ("ines", True, timedelta(minutes=15)),
    ]


def test_who_cannot_be_reached_is_named() -> None:
    assert missing(BOOK, Who(("soc", "gone"), ("megan",), ("tier-2", "tier-9"))) == [
        "There is no channel named 'gone'.",
        "There is no team named 'tier-9'.",
        "megan has no channel of their own.",
        "omar has no channel of their own.",
    ]
    assert Who(("soc",), (), ("tier-2",)).shown == "soc, team tier-2"
    assert Who().shown == "nobody"
