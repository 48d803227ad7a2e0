from cli_world import Ringfence


def test_organizations_are_made_renamed_frozen_closed_and_opened(ringfence: Ringfence) -> None:
    assert ringfence("organization", "create", "Contoso").stdout == "Contoso is made.\n"
    assert "already is" in ringfence("organization", "create", "Contoso", status=1).stderr
    assert ringfence("organization", "rename", "Contoso", "Fabrikam").stdout == "Contoso is called Fabrikam now.\n"
    frozen = ringfence.json("organization", "freeze", "Fabrikam", "--reason", "Audit")["organization"]
    assert (frozen["state"], frozen["state_reason"]) == ("frozen", "Audit")
    assert "Audit" in ringfence("organization", "list").stdout
    assert "Fabrikam" in ringfence("organization", "board").stdout
    fares = {each["organization"]["name"]: each for each in ringfence.json("organization", "board")["items"]}
    assert (fares["Fabrikam"]["open_alerts"], fares["Fabrikam"]["contain_median"]) == ({}, None)
    assert "closed" in ringfence("organization", "close", "Fabrikam", "--reason", "Over").stdout
    assert ringfence("organization", "open", "Fabrikam", "--reason", "Back").stdout == "Fabrikam is active.\n"
    states = {each["name"]: each["state"] for each in ringfence.json("organization", "list")["items"]}
    assert states["Fabrikam"] == "active"


def test_where_there_are_several_it_must_be_said_which_is_meant(ringfence: Ringfence) -> None:
    ringfence("organization", "create", "Contoso")
    refused = ringfence("team", "list", status=1).stderr
    assert "several organizations" in refused
    assert "Contoso, default" in refused
    assert "no team yet" in ringfence("--organization", "Contoso", "team", "list").stderr
