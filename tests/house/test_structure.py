"""The house stays as CONTRIBUTING describes it."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ringfence"
LONGEST = 700
FORBIDDEN_NAMES = {"utils", "helpers", "common", "manager", "base_service"}

# Without a test file of their own name, each for a reason that is written here.
TESTED_ELSEWHERE = {
    "app.py": "composition: tests/journeys and tests/cli open it in every test",
    "worker.py": "tests/journeys run it as a process, and kill it",
    "clock.py": "tests/test_clock.py",
    "errors.py": "tests/test_errors.py",
    "logs.py": "tests/test_logs.py",
    "settings.py": "tests/house/test_docs.py and every test that opens an installation",
    "cli/demo.py": "tests/journeys/test_demo.py",
    "demo/stage.py": "tests/journeys/test_demo.py",
    "demo/progress.py": "tests/journeys/test_demo.py",
    "web/services.py": "protocols only: tests/web gives them, tests/cli/test_serve.py the real ones",
    "storage/tables/schema.py": "tests/storage/test_schema.py",
    "storage/migrations/env.py": "tests/storage/test_schema.py",
}


def _tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def _has_code(path: Path) -> bool:
    lines = [line.strip() for line in path.read_text().splitlines()]
    return any(line.startswith(("def ", "async def ", "class ")) for line in lines)


def test_no_file_is_longer_than_seven_hundred_lines() -> None:
    long = {
        path.name: count
        for path in _tracked("*.py", "*.css", "*.js", "*.html")
        if "vendor" not in path.parts and (count := len(path.read_text().splitlines())) > LONGEST
    }
    assert long == {}


def test_no_module_hides_behind_a_name_that_says_nothing() -> None:
    assert [path for path in _tracked("src/*.py") if path.stem in FORBIDDEN_NAMES] == []


def test_every_module_has_the_test_file_of_its_name() -> None:
    missing = []
    for path in SOURCE.rglob("*.py"):
        relative = path.relative_to(SOURCE)
        if path.name == "__init__.py" or not _has_code(path) or str(relative) in TESTED_ELSEWHERE:
            continue
        # Migrations are proven together: tests/storage/test_schema.py upgrades through all of them.
        if path.parent.name == "versions":
            continue
        expected = ROOT / "tests" / relative.parent / f"test_{path.name}"
        if not expected.exists():
            missing.append(str(relative))
    assert missing == []


def test_the_exceptions_from_that_rule_are_still_needed() -> None:
    assert [name for name in TESTED_ELSEWHERE if not (SOURCE / name).exists()] == []


def test_nothing_unfinished_is_left_in_the_source() -> None:
    # Written in pieces, so that this file does not find itself.
    marks = re.compile(
        "|".join(("TO" + "DO", "FIX" + "ME", "X" * 3, "NotImplemented" + "Error", "pragma: no " + "cover"))
    )
    assert [path for path in _tracked("src/*.py") if marks.search(path.read_text())] == []


def test_no_lock_file_and_no_registry_address_is_committed() -> None:
    names = {
        "uv.lock",
        "poetry.lock",
        "Pipfile.lock",
        "pylock.toml",
        "package-lock.json",
        "yarn.lock",
        "pnpm-lock.yaml",
    }
    assert [path for path in _tracked() if path.name in names] == []
    address = re.compile(r"https?://[^\s]*(pythonhosted|pypi\.org|npmjs|registry\.)")
    assert [path for path in _tracked("requirements/*", "tools/*", "*.toml") if address.search(path.read_text())] == []


def test_a_skipped_test_names_its_reason() -> None:
    bare = re.compile(r"pytest\.(mark\.)?(skip|xfail|skipif)\b(?!\(.*reason=|\()")
    assert [path for path in _tracked("tests/*.py") if bare.search(path.read_text())] == []
