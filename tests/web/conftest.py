"""The pages without a browser."""

from webfixtures import app, asked, client, contoso, embedded, filled, services, visitor

__all__ = ["app", "asked", "client", "contoso", "embedded", "filled", "services", "visitor"]
