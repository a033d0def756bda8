"""The README and the pages of docs: links, images, examples and commands."""

import ast
import pathlib
import re
import runpy
import shlex
import subprocess
import sys
import types

import pytest

from keras_stargan.cli import main
from keras_stargan.methods import registry

ROOT = pathlib.Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    ROOT / "CHANGELOG.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks" / "README.md",
]
LINK = re.compile(r"\[[^\]]*\]\(([^)]+)\)")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def links_of(page):
    words = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.M | re.S)
    links = LINK.findall(words)
    return [link for link in links if not link.startswith(("http:", "https:"))]


def anchors_of(page):
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", h).lower().replace(" ", "-") for h in headings}


def blocks_of(page, language):
    """The code blocks of a page that are in a language."""
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(), re.M | re.S)


pages = pytest.mark.parametrize("page", PAGES, ids=name_of)


@pages
def test_links_and_images_are_there(page):
    for link in links_of(page):
        name, _, anchor = link.partition("#")
        target = page.parent / name if name else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_the_readme_leads_to_every_page_and_every_image_is_shown():
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in links_of(page)
    }
    front = {(ROOT / link).resolve() for link in links_of(PAGES[0])}
    assert set((ROOT / "docs").glob("*.md")) <= front
    assert set((ROOT / "docs").glob("*.png")) <= linked


def test_the_readme_names_every_method():
    named = re.findall(r"\[`train (\w+)`\]", PAGES[0].read_text())
    assert sorted(named) == sorted(registry.names())


@pages
def test_examples_compile_and_what_they_import_is_there(page):
    for block in blocks_of(page, "python"):
        tree = ast.parse(block)
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(compile(ast.Module([node], []), name_of(page), "exec"), {})


def commands_of(page):
    """The command lines of a page, each as a list of words without comments."""
    for block in blocks_of(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line, comments=True)
            if "--" in words:  # What another command starts.
                split = words.index("--")
                yield words[:split]
                words = words[split + 1 :]
                words = words if words[0] == "python" else ["keras-stargan", *words]
            if words:
                yield words


def help_of(words, capsys):
    """What a command prints that is asked for help; None if it is not one of ours."""
    program, *others = words
    if program == "keras-stargan":
        # The flags of `train` depend on the method.
        method = others[1:2] if others[0] == "train" else []
        if method and method[0].startswith("-"):
            method = ["stargan"]
        assert main.main([others[0], *method, "--help"]) == 0, words
        return capsys.readouterr().out
    if program == "python" and others[0].startswith("recipes/"):
        command = [sys.executable, ROOT / others[0], "--help"]
        return subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=60
        ).stdout
    return None


@pages
def test_commands_and_their_flags_are_there(page, capsys):
    for words in commands_of(page):
        text = help_of(words, capsys)
        if text is None:
            continue
        known = re.findall(r"^ +--(?:\[no\])?(\w+)", text, re.MULTILINE)
        given = re.findall(r" --(\w+)", " ".join(words))
        assert set(given) <= set(known), words


def test_pypi_gets_absolute_links(monkeypatch):
    given = {}
    fake = types.SimpleNamespace(setup=given.update)
    monkeypatch.setitem(sys.modules, "setuptools", fake)
    runpy.run_path(str(ROOT / "setup.py"))
    links = LINK.findall(given["long_description"])
    assert len(links) > len(links_of(PAGES[0])) > 0
    assert all(link.startswith("https://") for link in links)
    assert any(link.endswith("/main/docs/avatars.png") for link in links)
