"""The runtime: a run is rows, carried forward in short segments by whoever holds its lease."""
