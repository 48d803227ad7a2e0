"""`python -m ringfence.proving [play]`: what is to be proven, or played once, comes by stdin; what came of it goes to stdout.

Everything that does not depend on what comes is done before it comes: a process can be kept waiting, and then answers at once.
"""

import asyncio
import sys
import tempfile
from pathlib import Path

from ringfence import garbage, logs
from ringfence.playbooks.playing import Playing
from ringfence.playbooks.proof import Subject
from ringfence.proving.proving import prove
from ringfence.proving.rehearsing import rehearse
from ringfence.proving.stage import prepared


def main() -> None:
    """Prove what stdin says, or play it once; nothing, where nothing comes."""
    logs.configure("critical")
    if sys.argv[1:] == ["play"]:
        with tempfile.TemporaryDirectory(prefix="ringfence-play-") as folder:
            empty = prepared(Path(folder) / "empty")
            if given := sys.stdin.read():
                said = asyncio.run(rehearse(Playing.model_validate_json(given), empty)).model_dump_json()
                sys.stdout.write(said)
    else:
        sys.stdout.write(asyncio.run(prove(Subject.model_validate_json(sys.stdin.read()))).model_dump_json())
    garbage.leave()


if __name__ == "__main__":
    main()
