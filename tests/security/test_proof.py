import pytest
from starlette.requests import Request

from ringfence.security import proof


def test_only_a_fresh_proof_lets_pass() -> None:
    proof.demand(Request({"type": "http", "state": {"proven": True}}))
    for state in ({"proven": False}, {}):
        with pytest.raises(proof.ProofNeeded) as refused:
            proof.demand(Request({"type": "http", "state": state}))
        assert (refused.value.status, refused.value.code) == (403, "proof_needed")
