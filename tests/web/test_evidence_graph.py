from itertools import pairwise
from typing import Any

from ringfence.web import evidence
from ringfence.web.evidence_graph import HEIGHT, HOST, SHOWN, WIDTH, Graph, draw


def drawn(*pieces: dict[str, Any], host: str = "fin-ws-014", most: int | None = None) -> Graph:
    found = draw(evidence.read({"evidence": list(pieces)}).items, host, most)
    assert found is not None
    return found


def process(number: int, parent: int | None = None, **more: Any) -> dict[str, Any]:
    own = {"entityType": "Process", "processId": number, "parentProcessId": parent, "fileName": f"p{number}.exe"}
    return own | more


def hangs(graph: Graph) -> dict[str, str | None]:
    names = {node.number: node.title for node in graph.nodes}
    return {node.title: None if node.parent is None else names[node.parent] for node in graph.nodes}


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
    assert next(node.below for node in graph.nodes if node.title == "p2.exe") == "Detected"
    assert graph.nodes[0].number == HOST


def test_no_piece_stands_on_another_also_of_five_hundred_and_what_is_long_is_cut() -> None:
    graph = drawn(*(process(number, number // 3 if number > 2 else None) for number in range(1, 501)), host="")
    spots = {(node.x, node.y) for node in graph.nodes}
    assert (len(graph.nodes), len(spots), len(graph.ways)) == (501, 501, 500)
    columns: dict[int, list[int]] = {}
    for x, y in spots:
        columns.setdefault(x, []).append(y)
    for ys in columns.values():
        ordered = sorted(ys)
        assert all(b - a >= HEIGHT for a, b in pairwise(ordered))
    assert graph.width == max(columns) + WIDTH + 8
    (_, long) = drawn({"entityType": "Url", "url": "https://fabrikam.com/" + "x" * 90}).nodes
    assert (len(long.shown), long.shown[-1], long.title[-1]) == (22, "…", "x")


def test_of_five_hundred_pieces_some_are_drawn_those_that_defender_acted_on_first_and_what_leads_to_them() -> None:
    pieces = [process(number, number // 3 if number > 2 else None) for number in range(1, 501)]
    pieces[499]["detectionStatus"] = "Detected"
    graph = drawn(*pieces, most=SHOWN)
    there = {node.number: node for node in graph.nodes}
    assert SHOWN < len(graph.nodes) <= SHOWN + 1 + evidence.DEEPEST
    assert len(graph.nodes) + graph.left_out == 501
    assert all(node.parent is None or node.parent in there for node in graph.nodes)
    at = next(node for node in graph.nodes if node.title == "p500.exe")
    above = []
    while at.parent is not None:
        at = there[at.parent]
        above.append(at.title)
    assert above == ["p166.exe", "p55.exe", "p18.exe", "p6.exe", "p2.exe", "fin-ws-014"]
    assert drawn(*pieces[:SHOWN], most=SHOWN) == drawn(*pieces[:SHOWN])


def test_without_evidence_nothing_is_drawn() -> None:
    assert draw((), "fin-ws-014") is None
