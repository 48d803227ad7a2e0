"""`python -m ringfence.proving`: what is to be proven comes as JSON on stdin, what came of it goes as JSON to stdout."""

import asyncio
import sys

from ringfence import logs
from ringfence.playbooks.proof import Subject
from ringfence.proving.proving import prove


def main() -> None:
    """Prove what stdin says."""
    logs.configure("critical")
    subject = Subject.model_validate_json(sys.stdin.read())
    sys.stdout.write(asyncio.run(prove(subject)).model_dump_json())


if __name__ == "__main__":
    main()
