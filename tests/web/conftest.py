"""The pages without a browser."""

from webfixtures import app, asked, client, contoso, services, visitor

__all__ = ["app", "asked", "client", "contoso", "services", "visitor"]
