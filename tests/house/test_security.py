"""docs/security.md names every requirement of OWASP ASVS 5.0, levels 1 and 2, once, and tests that exist."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "security.md"
SCRIPTS = ROOT / "src" / "ringfence" / "web" / "static"
# The requirements of levels 1 and 2 by section.
SECTIONS = """
1.1: 1 2
1.2: 1 2 3 4 5 6 7 8 9
1.3: 1 2 3 4 5 6 7 8 9 10 11
1.4: 1 2 3
1.5: 1 2
2.1: 1 2 3
2.2: 1 2 3
2.3: 1 2 3 4
2.4: 1
3.2: 1 2
3.3: 1 2 3 4
3.4: 1 2 3 4 5 6
3.5: 1 2 3 4 5
3.7: 1 2
4.1: 1 2 3
4.2: 1
4.3: 1 2
4.4: 1 2 3 4
5.1: 1
5.2: 1 2 3
5.3: 1 2
5.4: 1 2 3
6.1: 1 2 3
6.2: 1 2 3 4 5 6 7 8 9 10 11 12
6.3: 1 2 3 4
6.4: 1 2 3 4
6.5: 1 2 3 4 5
6.6: 1 2 3
6.8: 1 2 3 4
7.1: 1 2 3
7.2: 1 2 3 4
7.3: 1 2
7.4: 1 2 3 4 5
7.5: 1 2
7.6: 1 2
8.1: 1 2
8.2: 1 2 3
8.3: 1
8.4: 1
9.1: 1 2 3
9.2: 1 2 3 4
10.1: 1 2
10.2: 1 2
10.3: 1 2 3 4
10.4: 1 2 3 4 5 6 7 8 9 10 11
10.5: 1 2 3 4 5
10.6: 1 2
10.7: 1 2 3
11.1: 1 2
11.2: 1 2 3
11.3: 1 2 3
11.4: 1 2 3 4
11.5: 1
11.6: 1
12.1: 1 2 3
12.2: 1 2
12.3: 1 2 3 4
13.1: 1
13.2: 1 2 3 4 5
13.3: 1 2
13.4: 1 2 3 4 5
14.1: 1 2
14.2: 1 2 3 4
14.3: 1 2 3
15.1: 1 2 3
15.2: 1 2 3
15.3: 1 2 3 4 5 6 7
16.1: 1
16.2: 1 2 3 4 5
16.3: 1 2 3 4
16.4: 1 2 3
16.5: 1 2 3
17.1: 1
17.2: 1 2 3 4
17.3: 1 2
"""
ROW = re.compile(r"^\| (V\d+\.\d+\.\d+) \| (met|not applicable|\*\*not met\*\*) \| (.+?) \| (.*?) ?\|$", re.MULTILINE)


def rows() -> list[tuple[str, str, str, str]]:
    return [(name, verdict, how, tests) for name, verdict, how, tests in ROW.findall(PAGE.read_text(encoding="utf-8"))]


def test_every_requirement_of_levels_1_and_2_is_there_once() -> None:
    expected = [
        f"V{section}.{number}"
        for line in SECTIONS.strip().splitlines()
        for section, _, numbers in [line.partition(":")]
        for number in numbers.split()
    ]
    assert len(expected) == 253
    assert [name for name, *_ in rows()] == expected
    assert PAGE.read_text(encoding="utf-8").count("\n| V") == len(expected)


def test_every_test_that_is_named_exists_and_what_is_met_names_one() -> None:
    missing = []
    for name, verdict, how, tests in rows():
        assert how.endswith((".", "?")), name
        named = re.findall(r"`([\w/]+)::(\w+)`", tests)
        if verdict == "met" and not named:
            missing.append(name)
        for module, function in named:
            path = ROOT / "tests" / f"{module}.py"
            if not path.exists() or f"def {function}(" not in path.read_text(encoding="utf-8"):
                missing.append(f"{name}: {module}::{function}")
    assert missing == []


def test_scripts_keep_nothing_but_a_preference_in_the_browser() -> None:
    storage = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie")
    keeping = {
        path.name
        for path in SCRIPTS.rglob("*.js")
        if "vendor" not in path.parts and storage.search(path.read_text(encoding="utf-8"))
    }
    assert keeping <= {"keys.js"}


def test_the_page_says_how_many_are_met() -> None:
    verdicts = [verdict for _, verdict, _, _ in rows()]
    counts = [verdicts.count(each) for each in ("met", "not applicable", "**not met**")]
    assert f"{counts[0]} met, {counts[1]} not applicable, {counts[2]} not met" in PAGE.read_text(encoding="utf-8")


def test_the_terms_for_mending_known_flaws_are_written_down() -> None:
    said = " ".join((ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split())
    for term in ("| critical or high, or exploited anywhere | 7 days |", "| medium | 30 days |", "at most 90 days"):
        assert term in said
    assert "within a week" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
