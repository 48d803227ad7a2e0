from typing import Any

from ringfence.web import evidence
from ringfence.web.evidence_graph import HOST, SHOWN, Graph, Node, draw


def drawn(*pieces: dict[str, Any], host: str = "fin-ws-014", most: int | None = None) -> Graph:
    found = draw(evidence.read({"evidence": list(pieces)}).items, host, most)
    assert found is not None
    return found


def process(number: int, parent: int | None = None, **more: Any) -> dict[str, Any]:
    own = {"entityType": "Process", "processId": number, "parentProcessId": parent, "fileName": f"p{number}.exe"}
    return own | more


def nodes(graph: Graph) -> dict[int, Node]:
    return {node.number: node for node in graph.host.every()}


def hangs(graph: Graph) -> dict[str, str | None]:
    there = nodes(graph)
    return {node.title: None if node.parent is None else there[node.parent].title for node in there.values()}


def test_what_ran_hangs_on_the_host_and_a_file_and_a_user_on_the_process_that_is_it_or_ran_by_them() -> None:
    graph = drawn(
        process(1, sha256="AB", accountName="adele", domainName="CONTOSO"),
        process(2, 1, sha256="cd", detectionStatus="Detected"),
        {"entityType": "File", "fileName": "enc.bin", "sha256": "CD"},
        {"entityType": "File", "fileName": "other.bin", "sha256": "ef"},
        {"entityType": "User", "accountName": "Adele", "domainName": "contoso"},
        {"entityType": "Ip", "ipAddress": "203.0.113.47"},
    )
    assert hangs(graph) == {
        "fin-ws-014": None,
        "p1.exe": "fin-ws-014",
        "p2.exe": "p1.exe",
        "enc.bin": "p2.exe",
        "other.bin": "fin-ws-014",
        "contoso\\Adele": "p1.exe",
        "203.0.113.47": "fin-ws-014",
    }
    below = {node.title: node.below for node in nodes(graph).values()}
    assert (below["fin-ws-014"], below["p2.exe"], below["203.0.113.47"]) == ("Host", "Detected", "IP address")
    assert (graph.host.number, graph.columns, graph.left_out) == (HOST, 4, 0)
    assert graph.numbers == {HOST, *range(1, 7)}


def test_below_a_title_stands_what_defender_did_and_then_the_details() -> None:
    ran = process(1, processCommandLine="p1.exe --all", detectionStatus="Blocked")
    (_, found) = drawn(ran, host="").host.every()
    assert found.below == "Blocked · p1.exe --all"
    assert drawn(ran, host="").host.title == "The host"


def test_of_five_hundred_pieces_some_are_drawn_those_that_defender_acted_on_first_and_what_leads_to_them() -> None:
    pieces = [process(number, number // 3 if number > 2 else None) for number in range(1, 501)]
    pieces[499]["detectionStatus"] = "Detected"
    graph = drawn(*pieces, most=SHOWN)
    there = nodes(graph)
    assert SHOWN < len(there) <= SHOWN + 1 + evidence.DEEPEST
    assert len(there) + graph.left_out == 501
    assert all(node.parent is None or node.parent in there for node in there.values())
    at = next(node for node in there.values() if node.title == "p500.exe")
    above = []
    while at.parent is not None:
        at = there[at.parent]
        above.append(at.title)
    assert above == ["p166.exe", "p55.exe", "p18.exe", "p6.exe", "p2.exe", "fin-ws-014"]
    assert drawn(*pieces[:SHOWN], most=SHOWN) == drawn(*pieces[:SHOWN])


def test_without_evidence_nothing_is_drawn() -> None:
    assert draw((), "fin-ws-014") is None
