import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


def _docs(*arguments: str, tool: Path = ROOT / "tools" / "docs") -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(tool), *arguments], capture_output=True, text=True, timeout=120)


def test_the_generated_pages_are_in_step_with_the_code() -> None:
    done = _docs("--check")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", ["cli.md", "settings.md", "actions.md"])
def test_a_page_that_is_not_in_step_is_named_and_made_anew(tmp_path: Path, name: str) -> None:
    tool = tmp_path / "tools" / "docs"
    tool.parent.mkdir()
    tool.write_bytes((ROOT / "tools" / "docs").read_bytes())
    assert _docs(tool=tool).returncode == 0
    page = tmp_path / "docs" / name
    whole = page.read_text(encoding="utf-8")
    page.write_text(f"{whole}x", encoding="utf-8")
    done = _docs("--check", tool=tool)
    assert (done.returncode, done.stderr) == (1, f"Not in step with the code: {name}. Run `make docs`.\n")
    _docs(tool=tool)
    assert page.read_text(encoding="utf-8") == whole
