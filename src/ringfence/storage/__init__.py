"""Where rows are kept: one engine, one transaction form, and every difference between SQLite and PostgreSQL."""

from ringfence.storage.database import Database, Transaction

__all__ = ["Database", "Transaction"]
