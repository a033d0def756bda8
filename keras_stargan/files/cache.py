"""Where prepared pictures are kept."""

import os
import pathlib


def cache_folder(given: str | os.PathLike | None = None) -> pathlib.Path:
    """The folder for what is prepared once and used again.

    Args:
        given: the user's choice.

    Returns:
        `given`; if None `$KERAS_STARGAN_CACHE`; if unset `keras_stargan` in
        `$XDG_CACHE_HOME` or `~/.cache`. It may not exist yet.
    """
    if given is not None:
        return pathlib.Path(given)
    if "KERAS_STARGAN_CACHE" in os.environ:
        return pathlib.Path(os.environ["KERAS_STARGAN_CACHE"])
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return pathlib.Path(base, "keras_stargan")
