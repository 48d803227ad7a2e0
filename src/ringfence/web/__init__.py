"""The pages: one module per address, rendered on the server and made live by htmx."""

from ringfence.web.application import create_web
from ringfence.web.services import Services

__all__ = ["Services", "create_web"]
