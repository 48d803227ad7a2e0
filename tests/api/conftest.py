"""The API below the sessions of the pages."""

from webfixtures import app, asked, client, contoso, embedded, filled, services, visitor

__all__ = ["app", "asked", "client", "contoso", "embedded", "filled", "services", "visitor"]
