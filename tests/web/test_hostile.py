"""The reader that looks for dangers finds them, so that its silence means something."""

from hostile import dangers


def test_dangers_are_found() -> None:
    assert dangers("<script>1</script>") == ["<script>"]
    assert dangers('<p onclick="x">') == ["p onclick=x"]
    assert dangers('<a href="javascript:x">') == ["a href=javascript:x"]
    assert dangers('<a href="//evil.test">') == ["a href=//evil.test"]
    assert dangers('<img src="/x">') == ["<img>"]
    assert dangers('<script src="/static/js/app.js"></script><a href="/alerts">x</a>') == []
