"""Gives PyPI the README with absolute links; everything else is in setup.cfg."""

import pathlib
import re

from setuptools import setup

REPOSITORY = "keras-stargan/keras-stargan"
PAGES = f"https://github.com/{REPOSITORY}/blob/main/"
IMAGES = f"https://raw.githubusercontent.com/{REPOSITORY}/main/"
# The image mark, the text and the target of a link that is relative.
RELATIVE_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)]+)\)")


def absolute_links(text: str) -> str:
    """Puts the repository's address before each relative link of a page.

    Args:
        text: the page, in Markdown. PyPI shows it without the files beside it.
    """
    return RELATIVE_LINK.sub(
        lambda match: (
            f"{match[1]}[{match[2]}]({IMAGES if match[1] else PAGES}{match[3]})"
        ),
        text,
    )


readme = pathlib.Path(__file__).with_name("README.md").read_text(encoding="utf-8")
setup(
    long_description=absolute_links(readme),
    long_description_content_type="text/markdown",
)
