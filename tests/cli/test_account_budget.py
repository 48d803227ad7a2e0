"""What is left of an account's calls, in a terminal and for programs."""

from datetime import UTC, datetime

from cli_world import Ringfence
from ringfence.accounts.budgets import Budget
from ringfence.cli.account_budget import rows

LEFT = {"release": 98, "contain": 88, "confirm": 78, "ingest": 73, "enrich": 0}


def test_the_calls_of_connecting_are_counted_and_shown(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options())
    document = ringfence.json("account", "budget")
    assert document["account"] == "contoso"
    minute = document["items"][0]
    assert (minute["api"], minute["operation"], minute["seconds"], minute["closed_until"]) == ("mde", None, 60, None)
    assert minute["spent"] == 100 - minute["left"]["release"] == 2
    said = ringfence("account", "budget", "contoso").stdout
    assert "2 of 100" in said
    assert "2 of 1500" in said


def test_an_account_that_is_not_there_is_named(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options())
    assert ringfence.error("account", "budget", "fabrikam")["code"] == "not_found"


def test_what_is_used_up_says_none() -> None:
    budget = Budget("mde", "run_advanced_query", 45, 60, 2, LEFT, datetime(2026, 1, 31, 12, tzinfo=UTC))
    line = [str(each) for each in rows([budget])[0]]
    assert line == ["run_advanced_query", "a minute", "2 of 45", "98", "88", "78", "73", "none"]
