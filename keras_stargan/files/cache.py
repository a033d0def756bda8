"""The folder for prepared images and other results that are used again."""

import os
import pathlib


def cache_folder(given: str | os.PathLike | None = None) -> pathlib.Path:
    """The folder for results that are computed once and used again.

    Args:
        given: the user's choice, or None.

    Returns:
        `given`. If it is None, `$KERAS_STARGAN_CACHE`; if that is not set,
        `keras_stargan` in `$XDG_CACHE_HOME` or `~/.cache`. The folder may not exist
        yet.
    """
    if given is not None:
        return pathlib.Path(given)
    if "KERAS_STARGAN_CACHE" in os.environ:
        return pathlib.Path(os.environ["KERAS_STARGAN_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base, "keras_stargan")
