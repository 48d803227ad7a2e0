"""What Defender has dealt with is left alone, and only what it surely has."""

from typing import Any

import pytest

from ringfence.containment.handled import handled

HOST = "a" * 40


def piece(kind: str = "File", status: object = "Prevented", **more: Any) -> dict[str, Any]:
    return {"entityType": kind, "detectionStatus": status, "fileName": "evil.exe"} | more


def test_all_pieces_dealt_with_are_named_with_what_was_done() -> None:
    alert = {
        "evidence": [piece(), piece("Process", "Blocked", fileName="cmd.exe"), piece("User", None), piece("Ip", None)]
    }
    assert handled(alert, HOST) == (
        "Defender has dealt with all evidence of the alert on this host (evil.exe prevented, cmd.exe blocked)."
    )


def test_an_investigation_that_ended_well_is_enough() -> None:
    alert = {"investigationState": "SuccessfullyRemediated", "evidence": [piece(status="Detected")]}
    assert "ended with everything remediated" in handled(alert, HOST)


@pytest.mark.parametrize(
    "alert",
    [
        {},
        {"evidence": None},
        {"evidence": ["File", 7]},
        {"evidence": []},
        {"evidence": [piece("User", None)]},
        {"evidence": [piece(), piece(status="Detected")]},
        {"evidence": [piece(), piece(status=None)]},
        {"evidence": [piece(status=7)]},
        {"evidence": [piece(), piece("User", "Detected")]},
        {"investigationState": "PartiallyRemediated"},
        {"investigationState": ["SuccessfullyRemediated"]},
        {"evidence": [piece(mdeDeviceId="b" * 40)]},
    ],
    ids=lambda alert: str(alert)[:60],
)
def test_what_is_not_certain_is_not_dealt_with(alert: dict[str, Any]) -> None:
    assert handled(alert, HOST) == ""


def test_evidence_on_another_host_does_not_count_for_this_one() -> None:
    mine, other = piece(mdeDeviceId=HOST.upper()), piece(status="Detected", mdeDeviceId="b" * 40)
    assert handled({"evidence": [mine, other]}, HOST)
    assert not handled({"evidence": [mine, other]}, "b" * 40)


def test_the_form_of_graph_is_read_too() -> None:
    file = {
        "@odata.type": "#microsoft.graph.security.fileEvidence",
        "remediationStatus": "remediated",
        "fileDetails": {"fileName": "evil.dll"},
        "mdeDeviceId": HOST,
    }
    device = {
        "@odata.type": "#microsoft.graph.security.deviceEvidence",
        "remediationStatus": "none",
        "mdeDeviceId": HOST,
    }
    assert "(evil.dll remediated)" in handled({"evidence": [device, file]}, HOST)
    assert not handled({"evidence": [device]}, HOST)


def test_many_pieces_are_counted_instead_of_named() -> None:
    assert "and 2 more" in handled({"evidence": [piece() for _ in range(5)]}, HOST)
