from cli_world import Ringfence
from contoso import Contoso


def test_a_rule_is_tried_kept_shown_and_removed(ringfence: Ringfence, contoso: Contoso) -> None:
    to = ("--to", "soc", "--to", "team:tier-2", "--to", "duty@contoso.com")
    more = ("--event", "kill_switch", "--escalate-after", "15 min", "--escalate-to", "person:ines")
    assert ringfence.json("notification", "rule", "night", *to, "--dry-run")["items"] == []
    assert "nothing in the last 7 days" in ringfence("notification", "rule", "night", *to, "--dry-run").stderr
    made = ringfence.json("notification", "rule", "night", *to, *more)
    assert made["rule"]["who"] == {
        "channels": ["soc"],
        "people": [],
        "teams": ["tier-2"],
        "addresses": ["duty@contoso.com"],
    }
    assert any("no channel named 'soc'" in each for each in made["warnings"])
    assert "night tells soc" in ringfence("notification", "rule", "night", *to, *more, "--off").stdout
    (rule,) = ringfence.json("notification", "rules")["items"]
    assert (rule["enabled"], rule["escalate_after"]) == (False, 900.0)
    assert "15 min: ines" in ringfence("notification", "rules").stdout
    assert ringfence.json("notification", "preview", "night")["items"] == []
    assert "Nobody would be told" in ringfence.error("notification", "rule", "none")["message"]
    assert "not a duration" in ringfence.error("notification", "rule", "x", *to, "--escalate-after", "soon")["message"]
    assert "no such notification" in ringfence.error("notification", "take", "nonsense")["message"].casefold()
    ringfence("notification", "unrule", "night")
    assert ringfence.json("notification", "rules")["items"] == []
