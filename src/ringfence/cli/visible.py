"""Make text from outside safe to show in a terminal."""


def visible(text: str) -> str:
    """Return `text` with every character that cannot be seen, or that commands a terminal, written as its escape."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
