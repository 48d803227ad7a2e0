"""What is not ours is what it was, and every style sheet and template keeps the rules of the security policy."""

import hashlib
import re
import tomllib

from ringfence.web.static_files import STATIC

TEMPLATES = STATIC.parent / "templates"
_LICENCES = {"BSD-0-Clause", "0BSD", "OFL-1.1", "ISC", "MIT", "Apache-2.0", "BSD-3-Clause", "EPL-2.0"}


def test_every_vendored_file_has_the_hash_that_is_listed_and_none_is_missing() -> None:
    folder = STATIC / "vendor"
    listed = tomllib.loads((folder / "vendor.toml").read_text())["file"]
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    del found["vendor.toml"]
    assert {each["name"]: each["sha256"] for each in listed} == found
    for each in listed:
        assert each["package"], each
        assert re.fullmatch(r"\d+\.\d+\.\d+", each["version"])
        assert each["licence"] in _LICENCES
        for package, version, licence in (inside.rsplit(" ", 2) for inside in each.get("includes", ())):
            assert package, each
            assert re.fullmatch(r"\d+\.\d+\.\d+", version), each
            assert licence in _LICENCES, each


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    sprite = set(re.findall(r'<symbol id="([\w-]+)"', (STATIC / "vendor" / "icons.svg").read_text()))
    templates = "\n".join(path.read_text() for path in TEMPLATES.rglob("*.html"))
    named = set(re.findall(r'icon\("([\w-]+)"', templates)) | set(re.findall(r'notice\("\w+", "([\w-]+)"', templates))
    named |= set(re.findall(r'empty\("([\w-]+)"', templates))
    assert named <= sprite
    scripts = "\n".join(path.read_text() for path in (STATIC / "designer").iterdir())
    in_scripts = set(re.findall(r'\bicon[=:]\s*"([\w-]+)"', scripts))
    in_scripts |= set(re.findall(r'\$\{Icon\} name="([\w-]+)"', scripts))
    assert len(in_scripts) > 20
    assert in_scripts <= sprite


def test_no_template_needs_an_exception_from_the_policy() -> None:
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"\sstyle=|\shx-on|\son\w+=|javascript:|\|\s*safe\b|js:|<style|<script>", text), path


def test_no_style_sheet_or_script_of_ours_names_another_host() -> None:
    for path in [path for folder in ("css", "js", "designer") for path in (STATIC / folder).iterdir()]:
        text = path.read_text()
        assert "http://" not in text, path
        assert "https://" not in text, path
        assert "innerHTML" not in text, path


def test_colours_are_named_in_the_tokens_only() -> None:
    for path in (STATIC / "css").iterdir():
        if path.name not in {"tokens.css", "base.css", "components.css"}:
            assert not re.search(r"#[0-9a-f]{3,8}\b|oklch\(|rgb\(", path.read_text()), path
