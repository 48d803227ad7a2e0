"""Playbooks tried without touching anything: tests, dry runs, backtests, and the inputs that people keep for them."""
