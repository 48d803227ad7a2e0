from xml.etree import ElementTree

from ringfence.rehearsals.cases import CaseResult, Difference
from ringfence.rehearsals.junit import Suite, write

FAILED = CaseResult("Two", 2, (Difference("step \x1b[2J<a>", "run", "skipped \ud800"),))


def test_each_file_is_a_suite_and_each_test_a_case() -> None:
    results = (CaseResult("One", 1), FAILED, CaseResult("Three", 3, undecided="No mock."))
    suite = Suite("a.yaml", "A & B", results, 0.25)
    assert suite.failed == 2
    root = ElementTree.fromstring(write([suite, Suite("b.yaml", "", (), broken=("b.yaml:1:1 error",))]).encode())
    first, second = root
    assert first.attrib == {
        "name": "A & B",
        "file": "a.yaml",
        "tests": "3",
        "failures": "1",
        "errors": "1",
        "time": "0.250",
    }
    assert [[child.tag for child in case] for case in first] == [[], ["failure"], ["error"]]
    assert (second.attrib["tests"], second.attrib["errors"]) == ("1", "1")


def test_what_xml_cannot_hold_is_replaced() -> None:
    text = write([Suite("a.yaml", "A", (FAILED,))])
    assert "\x1b" not in text
    assert "\ud800" not in text
    ElementTree.fromstring(text.encode())
