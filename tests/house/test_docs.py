import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest

TOOL = Path(__file__).parent.parent.parent / "tools" / "docs"


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    loader = SourceFileLoader("tools_docs", str(TOOL))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def test_the_generated_pages_are_in_step_with_the_code() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "name", ["cli.md", "settings.md", "actions.md", "operations.md", "coverage.md", "playbook.schema.json"]
)
def test_a_page_that_is_not_in_step_is_named_and_made_anew(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert tool.main([], tmp_path) == 0
    page = tmp_path / name
    whole = page.read_text(encoding="utf-8")
    page.write_text(f"{whole}x", encoding="utf-8")
    assert tool.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err == f"Not in step with the code: {name}. Run `make docs`.\n"
    assert page.read_text(encoding="utf-8") == f"{whole}x"
    assert tool.main([], tmp_path) == 0
    assert page.read_text(encoding="utf-8") == whole


def test_every_operation_is_offered_served_used_and_tested_or_it_is_said_why_not(tool: ModuleType) -> None:
    assert tool.holes() == []


def test_an_operation_that_nothing_covers_is_named(
    tool: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tool.main([], tmp_path) == 0
    monkeypatch.setattr(tool, "NO_ACTION", {})
    (tmp_path / "coverage.md").write_text("\n\n".join(tool.coverage()) + "\n", encoding="utf-8")
    assert tool.main(["--check"], tmp_path) == 1
    assert (
        "no reason in tools/docs: find_machine_info_by_ip_legacy, isolate_machine, unisolate_machine"
        in capsys.readouterr().err
    )
    assert "**missing**" in (tmp_path / "coverage.md").read_text(encoding="utf-8")


def test_it_does_nothing_with_what_it_does_not_know(tool: ModuleType, tmp_path: Path) -> None:
    assert tool.main(["--chekc"], tmp_path) == 2
    assert list(tmp_path.iterdir()) == []
