"""Trained models that come with the package.

Each is a `.keras` file in this folder. `docs/presets.md` says how each was trained, and
`keras_stargan.export.preset.write_preset` writes such a file.
"""

import pathlib

_FOLDER = pathlib.Path(__file__).parent


def names() -> tuple[str, ...]:
    """The names of all presets, in alphabetical order."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.keras")))


def preset_file(name: str) -> pathlib.Path:
    """The file of a preset.

    Args:
        name: one of `names()`.

    Raises:
        ValueError: for another name.
    """
    if name not in names():
        raise ValueError(
            f"There is no preset {name!r}; there are {', '.join(names())}."
        )
    return _FOLDER / f"{name}.keras"
