from cli_world import Ringfence


def test_a_team_is_made_listed_and_removed(ringfence: Ringfence) -> None:
    assert "no team yet" in ringfence("team", "list").stderr
    made = ringfence("team", "set", "tier-2", "ines", "tom")
    assert made.stdout == "tier-2: ines, tom.\n"
    assert "Nobody signs in here as ines or tom: check the names" in made.stderr
    assert ringfence.json("team", "list")["items"][0]["people"] == ["ines", "tom"]
    assert "ines, tom" in ringfence("team", "list").stdout
    assert ringfence.json("team", "set", "tier-2", "olaf")["team"]["people"] == ["olaf"]
    assert "removed" in ringfence("team", "remove", "tier-2").stdout
    assert "no team named" in ringfence("team", "remove", "tier-2", status=1).stderr
