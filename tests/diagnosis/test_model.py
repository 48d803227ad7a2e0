from ringfence.diagnosis.model import Level, Report, failure, ok, warning


def test_a_report_is_as_bad_as_its_worst_finding() -> None:
    good, middling, bad = ok("a", "Well."), warning("b", "So so.", "Look."), failure("c", "Bad.", "Mend.")
    assert Report(()).worst is Level.OK
    assert Report((good,)).worst is Level.OK
    assert Report((middling, good)).worst is Level.WARNING
    assert Report((good, bad, middling)).worst is Level.FAILURE
    assert Report((bad, bad, good)).count(Level.FAILURE) == 2
