from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.web import evidence
from ringfence.web.evidence import DEEPEST, MOST, Item


def process(number: int, parent: int | None = None, name: str = "") -> dict[str, Any]:
    name = name or f"p{number}.exe"
    return {"entityType": "Process", "processId": number, "parentProcessId": parent, "fileName": name}


def titles(items: tuple[Item, ...]) -> list[Any]:
    return [[item.title, titles(item.children)] if item.children else item.title for item in items]


def count(items: tuple[Item, ...]) -> int:
    return sum(1 + count(item.children) for item in items)


def test_processes_stand_below_their_parents_and_the_rest_by_kind() -> None:
    root = process(2, 1, "powershell.exe") | {
        "parentProcessFileName": "outlook.exe",
        "parentProcessFilePath": "C:\\Office\\",
    }
    pieces = [
        {"entityType": "User", "accountName": "adele.vance", "domainName": "CONTOSO", "userSid": "S-1-5"},
        process(3, 2, "enc.exe"),
        {"entityType": "File", "fileName": "enc.exe", "filePath": "C:\\Temp", "sha256": "ab"},
        {"entityType": "Url", "url": "http://fabrikam.com/x"},
        root,
        {"entityType": "Ip", "ipAddress": "203.0.113.47"},
        {"entityType": "Registry", "registryKey": "HKLM\\Run", "registryValue": "x", "detectionStatus": "Blocked"},
    ]
    found = evidence.read({"evidence": pieces}).items
    assert titles(found) == [
        ["outlook.exe", [["powershell.exe", ["enc.exe"]]]],
        "enc.exe",
        "CONTOSO\\adele.vance",
        "203.0.113.47",
        "http://fabrikam.com/x",
        "HKLM\\Run",
    ]
    assert found[0].detail == "C:\\Office\\outlook.exe"
    assert found[1].facts == (("SHA-256", "ab"),)
    assert found[-1].status == "Blocked"


def test_processes_that_name_each_other_are_each_shown_once() -> None:
    found = evidence.read({"evidence": [process(1, 2), process(2, 1), process(3, 3)]}).items
    assert sorted(titles(found)) == ["p1.exe", "p2.exe", "p3.exe"]


def test_a_chain_that_never_ends_is_cut_and_nothing_is_lost() -> None:
    found = evidence.read({"evidence": [process(number, number - 1) for number in range(200)]}).items
    assert count(found) == 200

    def depth(items: tuple[Item, ...]) -> int:
        return max((1 + depth(item.children) for item in items), default=0)

    assert depth(found) <= DEEPEST + 2


def test_too_much_evidence_is_counted() -> None:
    found = evidence.read(
        {"evidence": [{"entityType": "Ip", "ipAddress": str(number)} for number in range(MOST + 100)]}
    )
    assert len(found.items) == MOST
    assert found.left_out == 100


_KEYS = st.sampled_from(["evidence", "entityType", "processId", "parentProcessId", "fileName", "x"])
_DOCUMENTS = st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(_KEYS, inner), max_leaves=40
)


@settings(max_examples=40, deadline=None)
@given(_DOCUMENTS)
def test_a_document_of_any_shape_can_be_read(document: Any) -> None:
    evidence.read(document)
    evidence.read({"evidence": document})
