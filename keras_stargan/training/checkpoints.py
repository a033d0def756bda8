"""Checkpoints: whole models in files that are complete or not there."""

import json
import os
import pathlib
import warnings
import zipfile
from typing import Any

import keras

from keras_stargan import presets
from keras_stargan.files.whole import whole_path

_PATTERN = "step-*.keras"


def save_checkpoint(
    model: keras.Model, folder: str | os.PathLike, keep: int = 2
) -> pathlib.Path:
    """Saves a model, with its optimisers and its step, as `step-0001000.keras`.

    The file is written beside its place and renamed, so that a run killed at any
    time leaves whole files only. Each is a model by itself, for
    `keras.saving.load_model`.

    Args:
        model: an `AdversarialModel`.
        folder: where to; made if it is missing.
        keep: how many of the last checkpoints stay.

    Returns:
        The file's path.
    """
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"step-{model.global_step:07d}.keras"
    if not path.exists():
        save_model(model, path)
    for old in sorted(folder.glob(_PATTERN))[:-keep]:
        old.unlink()
    return path


def save_model(model: keras.Model, path: str | os.PathLike) -> None:
    """`model.save`, into a file that is complete or not there."""
    with whole_path(path) as temporary:
        model.save(temporary)


def model_file(path: str | os.PathLike) -> pathlib.Path:
    """The file of a model: the path itself, or the newest model of a run's folder.

    Raises:
        ValueError: if there is none.
    """
    path = pathlib.Path(path)
    if path.is_dir():
        files = [*path.glob(f"checkpoints/{_PATTERN}"), *path.glob("model.keras")]
        if not files:
            raise ValueError(
                f"The folder {path} has neither model.keras nor checkpoints in it."
            )
        path = max(files, key=lambda file: file.stat().st_mtime_ns)
    if not path.is_file():
        raise ValueError(
            f"There is no {path}. A model is a .keras file, the folder of a run, a "
            "checkpoint of the published code, or the name of a model that comes with "
            f"the package ({', '.join(presets.names())})."
        )
    return path


def restore_checkpoint(
    model: keras.Model, folder: str | os.PathLike, tidy: bool = True
) -> bool:
    """Gives a compiled model the state of the last checkpoint that can be read.

    Args:
        model: made and compiled as the one that was saved.
        folder: where the checkpoints are.
        tidy: whether to remove damaged checkpoints, with a warning, and what a killed
            run left half saved. Of several workers, one does.

    Returns:
        Whether there was a checkpoint.

    Raises:
        ValueError: if it is of a model with other settings, naming them.
    """
    for path in pathlib.Path(folder).glob(f".*{_PATTERN}") if tidy else ():
        path.unlink()  # Left by a run that was killed while saving.
    for path in sorted(pathlib.Path(folder).glob(_PATTERN), reverse=True):
        try:
            with zipfile.ZipFile(path) as file:
                damaged = file.testzip()
                saved = json.loads(file.read("config.json"))["config"]
        except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
            damaged = str(error)
        if damaged:
            if tidy:
                warnings.warn(
                    f"{path} is damaged ({damaged}); trying the one before.",
                    stacklevel=2,
                )
                path.unlink()  # Else it would stand in the way of its successor.
            continue
        _check_settings(path, saved, model.get_config())
        model.load_weights(path)
        return True
    return False


def _check_settings(path: pathlib.Path, saved: dict, given: dict) -> None:
    differing = [
        f"{name}: {value} there, {given.get(name)} now"
        for name, value in saved.items()
        if name != "name" and _content(value) != _content(given.get(name))
    ]
    if differing:
        raise ValueError(
            f"{path} was saved with other settings ({'; '.join(differing)}); go on "
            "with the same, or start anew in another folder."
        )


def _content(value: Any) -> Any:
    # A frozen network is the same wherever its file lies.
    return value["sha256"] if isinstance(value, dict) and "sha256" in value else value
