"""GET /healthz: is the server there, for load balancers and `make demo`. Needs no sign-in and says nothing else."""

from fastapi import APIRouter

import ringfence


def routes() -> APIRouter:
    """Return the routes of this page."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok", "version": ringfence.__version__}

    return router
