"""The documents of docs/playbooks.md, so that they are true."""

import re
from pathlib import Path

_PAGE = (Path(__file__).parent.parent / "docs" / "playbooks.md").read_text(encoding="utf-8")
DOCUMENTS = tuple(re.findall(r"^```yaml\n(ringfence: 1\n.*?)^```$", _PAGE, re.DOTALL | re.MULTILINE))
EXAMPLE = DOCUMENTS[0]
