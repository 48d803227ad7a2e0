"""Containment that tells the truth: the right host, once, known to be so, and let go again."""
