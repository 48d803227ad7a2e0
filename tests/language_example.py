"""The example of docs/playbooks.md, so that it is true."""

import re
from pathlib import Path

_PAGE = (Path(__file__).parent.parent / "docs" / "playbooks.md").read_text(encoding="utf-8")
_FOUND = re.search(r"^```yaml\n(ringfence: 1\n.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE)
assert _FOUND is not None
EXAMPLE = _FOUND[1]
