from cli_world import Ringfence
from contoso import Contoso
from drill_cli import prepare


def test_schedules_are_made_listed_and_removed(ringfence: Ringfence, contoso: Contoso) -> None:
    prepare(ringfence, contoso, free=True)
    add = ("drill", "schedule", "add", "--device", "tst-001", "--playbook", "Contain ransomware", "--cron")
    assert "first drill is held" in ringfence(*add, "0 8 * * 2", "--time-zone", "Europe/Rome").stdout
    assert "not a cron expression" in ringfence(*add, "whenever", status=1).stderr
    assert "30 min" in ringfence(*add, "0 8 * * 2", "--max", "soon", status=1).stderr
    assert "0 8 * * 2" in ringfence("drill", "schedule", "list").stdout
    for each in ringfence.json("drill", "schedule", "list")["items"]:
        ringfence("drill", "schedule", "remove", each["id"])
    assert "drill schedule add" in ringfence("drill", "schedule", "list").stderr
    made = ringfence.json(*add, "0 8 * * 2")
    assert ringfence.json("drill", "schedule", "remove", made["id"])["removed"]
