from pathlib import Path

from accounts_samples import a_stored_account
from cli_world import Ringfence
from listening_world import a_version
from rehearsing import CONTAIN
from ringfence.settings import Settings


def test_a_backtest_reads_well_and_is_complete_as_json(ringfence: Ringfence, tmp_path: Path) -> None:
    path = tmp_path / "contain.yaml"
    path.write_text(CONTAIN)
    installation = ringfence.open(Settings(data=ringfence.data))
    try:
        organization = installation.organization().id
        account = a_stored_account(installation.database, organization, name="one").id
        for number in range(12):
            values = {"title": "ransomware seen", "machine_id": f"{number:040x}"}
            a_version(installation.database, organization, account, f"da{number}", **values)
        a_version(installation.database, organization, account, "low", severity="Low")
    finally:
        installation.close()
    done = ringfence("playbook", "backtest", str(path), "--limit", "5")
    assert "12 runs; 0 more alerts would have joined them" in done.stdout
    assert "10 contained at once, 0 after people were asked; 2 denials" in done.stdout
    assert "Ransomware: The severity is Low, not High." in done.stdout
    assert "risky is yes and ask is approved" in done.stdout
    assert "It would have refused 2." in done.stdout
    assert "7 more" in done.stderr
    found = ringfence.json("playbook", "backtest", str(path), "--days", "7")
    assert (found["started"], len(found["hosts"]), found["not_started"][0]["condition"]) == (12, 12, "severity")
    assert (
        "started by"
        in ringfence.error(
            "playbook",
            "backtest",
            "-",
            stdin=CONTAIN.replace(
                "type: defender.alert, severity: [High], where: \"contains(alert.title, 'ransom')\"", "type: manual"
            ),
        )["message"]
    )
