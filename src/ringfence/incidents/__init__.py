"""What people work on: observations that were promoted, who works on them, what was done, and how it ended."""
