from cli_world import Ringfence

ADDRESS = {"RINGFENCE_CHANNEL_ADDRESS": "json://hooks.contoso.com/s3cret"}
PASSWORD = {"RINGFENCE_CHANNEL_PASSWORD": "s3cret"}


def test_a_channel_is_changed_where_it_is_and_secrets_are_taken_where_they_are_asked_for_only(
    ringfence: Ringfence,
) -> None:
    mail = ("--to", "soc@contoso.com", "--host", "smtp.contoso.com", "--user", "soc")
    made = ringfence.json("channel", "add", "soc", *mail, "--event", "message", env=PASSWORD)["channel"]
    changed = ringfence.json(
        *("channel", "change", "soc", "--rename", "tier-1", "--quiet", "22:00-06:00", "--event", "all", "--by", "ines"),
        env=PASSWORD | ADDRESS,
    )["channel"]
    assert changed == made | {"name": "tier-1", "quiet": "22:00-06:00", "events": []}
    elsewhere = ("channel", "change", "tier-1", "--host", "smtp.fabrikam.com")
    assert "its own server and user" in ringfence(*elsewhere, env=PASSWORD, status=1).stderr
    said = ringfence(*elsewhere, "--new-password", env=PASSWORD).stdout
    assert said == "tier-1 is changed; it leads to soc@contoso.com by smtp.fabrikam.com:587.\n"
    chat = ringfence.json("channel", "change", "tier-1", "--new-address", "--by-rules", env=ADDRESS)["channel"]
    assert (chat["id"], chat["shown"], chat["by_rules"]) == (made["id"], "json://…", True)
    assert "as it was" in ringfence("channel", "change", "tier-1", "--by-rules").stdout
    for wrong in (("tier-1",), ("tier-1", "--new-address"), ("nobody", "--quiet", ""), ("tier-1", "--quiet", "late")):
        ringfence("channel", "change", *wrong, status=1)
