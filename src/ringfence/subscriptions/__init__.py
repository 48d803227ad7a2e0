"""Webhooks out: systems of others that are told of changes, by signed messages, at least once."""
