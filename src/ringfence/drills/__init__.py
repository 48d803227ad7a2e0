"""Rehearsals of containment on devices that are there for it, with a dated scorecard."""
