"""The connectors that come with Ringfence: one file each, found by `actions.catalogue`; deleting one breaks no other."""
