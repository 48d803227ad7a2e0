"""Style sheets keep to themselves: a page loads several, and a class that two of them define looks like neither meant."""

import re
from collections import defaultdict
from pathlib import Path

_SHEETS = Path(__file__).parents[2] / "src" / "ringfence" / "web" / "static" / "css"
# What every page shares; other sheets may say how its parts look where they use them.
_SHARED = {"base", "layout", "components", "tables", "forms", "states"}
# These come together, one on the other, where there is a canvas.
_CANVAS = {"designer", "designer-panel", "run-canvas"}


def _roots(sheet: str) -> set[str]:
    """Return the classes that selectors of a sheet begin with, but where they ask what is inside."""
    text = re.sub(r"/\*.*?\*/", "", sheet, flags=re.DOTALL)
    parts = (part.strip() for found in re.findall(r"([^{};]+)\{", text) for part in found.split(","))
    return {found[1] for part in parts if ":has(" not in part and (found := re.match(r"\.([\w-]+)", part))}


def test_no_two_style_sheets_define_the_same_class() -> None:
    where = defaultdict(set)
    for path in sorted(_SHEETS.glob("*.css")):
        for name in _roots(path.read_text(encoding="utf-8")):
            where[name].add("canvas" if path.stem in _CANVAS else path.stem)
    both = {name: sorted(sheets) for name, sheets in where.items() if len(sheets) > 1 and not sheets & _SHARED}
    assert both == {}, "Begin the class with the name of its page, or define it in a sheet that is shared."


def test_no_sheet_brings_ligatures_back() -> None:
    found = [
        f"{path.name}: {line.strip()}"
        for path in sorted(_SHEETS.glob("*.css"))
        for line in path.read_text(encoding="utf-8").splitlines()
        if re.match(r"\s*font: (?!inherit;)", line)
    ]
    assert len(found) == 1, (
        "Only the body's: write family, size and height apart, or two signs become one in what is read."
    )
