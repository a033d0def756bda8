"""A run's folder: what makes it one, and the settings that are kept in it."""

import json
import os
import pathlib

SETTINGS_FILE = "settings.json"


def open_work_dir(work_dir: str | os.PathLike, resume: bool) -> pathlib.Path:
    """Makes a run's folder ready, and loses nothing that is there.

    An earlier run in the same place is moved aside, unless it is to go on.

    Args:
        work_dir: the folder.
        resume: whether an earlier run there is to go on.

    Returns:
        The folder's path.

    Raises:
        ValueError: if there are other things than a run in the folder, or, to
            resume, no run.
    """
    work_dir = pathlib.Path(work_dir)
    if check_work_dir(work_dir, resume) and not resume:
        number = 1
        while (aside := work_dir.with_name(f"{work_dir.name}.{number}")).exists():
            number += 1
        work_dir.rename(aside)
        print(f"The earlier run in {work_dir} is now {aside}.")
    work_dir.mkdir(parents=True, exist_ok=True)
    return work_dir


def check_work_dir(work_dir: str | os.PathLike, resume: bool) -> bool:
    """Whether there is an earlier run in a folder that is to be a run's.

    Args:
        work_dir: the folder.
        resume: whether an earlier run there is to go on.

    Raises:
        ValueError: as `open_work_dir`.
    """
    work_dir = pathlib.Path(work_dir)
    is_run = (work_dir / SETTINGS_FILE).is_file()
    if resume and not is_run:
        raise ValueError(
            f"resume needs an earlier run, and there is none in {work_dir}. Name that "
            "run's folder, or start a new run without resume."
        )
    if work_dir.exists() and not is_run and any(work_dir.iterdir()):
        raise ValueError(
            f"{work_dir} holds other things than a run; a run needs a new or empty "
            "folder, or that of an earlier run."
        )
    return is_run


def saved_settings(work_dir: str | os.PathLike) -> dict | None:
    """The settings of the run in a folder, or None if there is no run."""
    path = pathlib.Path(work_dir) / SETTINGS_FILE
    return json.loads(path.read_text()) if path.is_file() else None


def settings_of_model(path: str | os.PathLike) -> dict:
    """The settings of the run that a model is of, or nothing if it is of none.

    Args:
        path: the run's folder, or a file in it or in its checkpoints.
    """
    path = pathlib.Path(path)
    found = map(saved_settings, (path, *path.parents[:2]))
    return next(filter(None, found), {})
