"""What a fault can be aimed at: the operations that the simulator serves. A fault for any other would never strike."""

import difflib

from ringfence.simulator import services
from ringfence.simulator.defender import downloads

TOKEN_OPERATION = "token_client_credentials"


def operations() -> set[str]:
    """Return the ids of all operations, signing in and downloads included."""
    served = {name for api in services.APIS for name in api.registry.operations}
    return served | {TOKEN_OPERATION, downloads.PACKAGE, downloads.RESULT}


def mistake(operation: str | None) -> str | None:
    """Return what is wrong about the operation of a fault, with the names that are near; None if nothing is."""
    known = operations()
    if operation is None or operation in known:
        return None
    near = difflib.get_close_matches(operation[:80], sorted(known), n=3)
    hint = f"Is one of these meant: {', '.join(near)}?" if near else "GET /_sim/journal shows the operations in use."
    return f"there is no operation {operation!r}. {hint}"
