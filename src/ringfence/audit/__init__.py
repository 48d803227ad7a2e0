"""Who did what, when and by which way: append-only, each entry bound to the one before. Write with `audit.log.write`."""
