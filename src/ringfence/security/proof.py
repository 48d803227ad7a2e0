"""What cannot be taken back asks people to prove anew who they are, unless they have just done so.

`dependencies=[needs(Permission.USER_MANAGE), PROVEN]` at a route. Whoever comes by a token has proven it by the token's scope.
"""

from typing import Final

from fastapi import Depends, params
from starlette.requests import Request

from ringfence.errors import Forbidden


class ProofNeeded(Forbidden):
    """It is too long ago that this person proved who they are."""

    code = "proof_needed"


def demand(request: Request) -> None:
    """Raise ProofNeeded unless who asks has proven lately who they are; what authenticates leaves it as `state.proven`."""
    if not getattr(request.state, "proven", False):
        raise ProofNeeded(
            "This needs a fresh proof that it is you.",
            advice="Confirm it at /sign-in/confirm with your password or code, and send it again.",
        )


PROVEN: Final[params.Depends] = Depends(demand)
