"""The operations of `DefenderClient` by noun; the facts about them are rows of `catalogue`."""
