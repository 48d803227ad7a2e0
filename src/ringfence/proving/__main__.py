"""`python -m ringfence.proving [play]`: what is to be proven, or played once, comes by stdin; what came of it goes to stdout."""

import asyncio
import sys

from ringfence import logs
from ringfence.playbooks.playing import Playing
from ringfence.playbooks.proof import Subject
from ringfence.proving.proving import prove
from ringfence.proving.rehearsing import rehearse


def main() -> None:
    """Prove what stdin says, or play it once."""
    logs.configure("critical")
    given = sys.stdin.read()
    if sys.argv[1:] == ["play"]:
        said = asyncio.run(rehearse(Playing.model_validate_json(given))).model_dump_json()
    else:
        said = asyncio.run(prove(Subject.model_validate_json(given))).model_dump_json()
    sys.stdout.write(said)


if __name__ == "__main__":
    main()
