"""What the page of the API is tried with."""

from webfixtures import app, asked, client, contoso, embedded, filled, services

__all__ = ["app", "asked", "client", "contoso", "embedded", "filled", "services"]
