"""Questions to people: asked once, bound to facts, answered by enough of the right ones, or over."""
