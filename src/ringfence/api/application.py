"""The API as an application of its own, mounted by the composition root below the sessions of the pages."""

from typing import Protocol

from fastapi import FastAPI

import ringfence
from ringfence.api import accounts, alerts, containments, playbooks, problems, runs
from ringfence.storage import Database


class Services(Protocol):
    """What the API needs of the rest."""

    @property
    def database(self) -> Database:
        """Where it reads."""
        ...


def create_api(services: Services) -> FastAPI:
    """Return the API. It expects `request.state.session`, which the application that mounts it provides."""
    api = FastAPI(
        title="Ringfence API",
        version=ringfence.__version__,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses={"default": {"model": problems.Problem, "description": "What is wrong and what to do next."}},
    )
    for module in (alerts, runs, containments, accounts, playbooks):
        api.include_router(module.routes(services.database))
    problems.install(api)
    return api
