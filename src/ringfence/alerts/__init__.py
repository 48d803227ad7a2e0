"""Alerts as they came, version by version, and the queue that people see."""
