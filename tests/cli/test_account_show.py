from cli_world import Ringfence


def test_one_account_is_shown_with_what_it_needs_and_who_uses_it(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options(), "--feature", "users")
    said = ringfence("account", "show").stdout
    for words in ("healthy", "Machine.Isolate", "granted", "Trigger service contoso", "added by"):
        assert words in said, words
    shown = ringfence.json("account", "show", "contoso")
    assert [each["permission"] for each in shown["permissions"]["granted"]][-1] == "User.Read.All"
    assert shown["permissions"]["missing"] == []
    assert shown["history"][0]["event"] == "account:added"
    assert ringfence.secret
    assert ringfence.secret not in str(shown)


def test_an_account_is_changed_and_only_one_that_never_worked_is_removed(ringfence: Ringfence) -> None:
    ringfence("account", "add", *ringfence.account_options())
    changed = ringfence.json(
        "account", "change", "--rename", "tier one", "--feature", "hunting", "--expires-on", "2099-01-31"
    )
    assert changed["account"]["name"] == "tier one"
    assert changed["account"]["features"] == ["contain", "hunting"]
    said = ringfence("account", "change").stdout
    assert "Advanced hunting" in said
    assert said.endswith("Its secret expires on 2099-01-31.\n")
    assert "disable" in ringfence.error("account", "remove")["advice"]
    options = ringfence.account_options("never")
    ringfence.secret = "wr0ng~value"
    kept = ringfence.json("account", "add", *options, "--save-anyway")
    assert kept["account"]["state"] == "pending"
    assert ringfence.json("account", "remove", "never") == {"removed": "never"}
