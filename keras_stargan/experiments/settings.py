"""The settings of a run: which there are, where their values come from, their checks.

A value comes from the last of these that has one: the signature of the method's
constructor (its defaults), the method's `published.py` (`PUBLISHED` for real data,
`SMALL` for drawn data), the recipe, the earlier run that is resumed, a configuration
file, the command line. All is checked here before Keras and TensorFlow are imported.
"""

import dataclasses
import difflib
import json
import os
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from keras_stargan.cluster import check_cluster
from keras_stargan.experiments.data_sources import DRAWN, check_source, complete_source
from keras_stargan.files.whole import write_text
from keras_stargan.methods import registry

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

INTEGER, NUMBER, BOOLEAN, TEXT, TEXTS = "integer", "number", "boolean", "text", "texts"


class Setting(NamedTuple):
    """One setting.

    Args:
        kind: `INTEGER`, `NUMBER`, `BOOLEAN`, `TEXT` or `TEXTS`.
        help: what it means.
        default: its value where nothing else says one.
        least: the smallest number that it can be.
        choices: the texts that it can be.
    """

    kind: str
    help: str
    default: Any = None
    least: int | None = None
    choices: tuple[str, ...] = ()


# Those of every method. A default of None means that it depends on the data.
COMMON = {
    "data": Setting(TEXTS, "The data sets to train on, as KIND:PLACE.", []),
    "other_data": Setting(
        TEXTS, "Data sets that are only translated, to see how labels transfer.", []
    ),
    "batch_size": Setting(INTEGER, "Pictures in a training step.", 8, 1),
    "steps": Setting(INTEGER, "Length of training in steps.", None, 1),
    "epochs": Setting(INTEGER, "Length of training in passes over the data.", None, 1),
    "steps_per_epoch": Setting(
        INTEGER,
        "Steps that the progress bar calls an epoch. Default: a pass over the data.",
        None,
        1,
    ),
    "save_every": Setting(
        INTEGER, "Epochs between checkpoints and between sample grids.", 1, 1
    ),
    "published": Setting(
        BOOLEAN,
        "Keep to the paper's settings, also for drawn pictures, and derive none from "
        "the number of steps.",
        False,
    ),
    "max_evaluated": Setting(
        INTEGER, "Test pictures that figures.json is about. Default: all.", None, 1
    ),
    "attributes": Setting(
        TEXTS,
        "Which attributes of CelebA, a CSV file or TensorFlow Datasets. Default: "
        "Black_Hair,Blond_Hair,Brown_Hair,Male,Young of CelebA, all of a CSV file.",
    ),
    "select": Setting(
        TEXTS,
        "Which domains of the data, in this order; of attributes, Male or -Male. "
        "Default: all of them.",
    ),
    "crop": Setting(
        BOOLEAN,
        "Enlarge training pictures by 286/256 and cut random squares of the old size "
        "out, in methods of two domains that do so.",
        True,
    ),
    "test_images": Setting(
        INTEGER,
        "Pictures of CelebA or TensorFlow Datasets that are held out. Default: 2000 of "
        "CelebA.",
        None,
        1,
    ),
    "skip_unreadable": Setting(
        BOOLEAN,
        "Leave damaged pictures out and print how many, instead of stopping.",
        False,
    ),
    "stream": Setting(
        BOOLEAN,
        "Decode pictures when a batch needs them, instead of all of them before the "
        "first step: for data larger than the disk. Shards are always streamed.",
        False,
    ),
    "cache_dir": Setting(
        TEXT,
        "Folder where prepared and drawn pictures are kept. Default: "
        "$KERAS_STARGAN_CACHE, else keras_stargan in $XDG_CACHE_HOME or ~/.cache.",
    ),
    "seed": Setting(
        INTEGER, "Decides the initial weights, the data's order and all draws.", 0, 0
    ),
    "strategy": Setting(
        TEXT,
        "Train on one device; or share each batch among those of this machine "
        "(mirrored), or of several processes and machines (multiworker, see "
        "keras-stargan launch --help).",
        "one",
        choices=("one", "mirrored", "multiworker"),
    ),
    "devices": Setting(
        TEXTS,
        "Devices to train on, such as GPU:0,GPU:1. Default: the first GPU, or with "
        "the strategies mirrored and multiworker all of them; the CPU if there is "
        "none.",
    ),
    "mixed_precision": Setting(
        TEXT,
        "Compute in half precision; weights and losses stay float32.",
        "none",
        choices=("none", "bfloat16", "float16"),
    ),
    "jit_compile": Setting(
        TEXT,
        "Compile losses and gradients with XLA; auto: on GPUs only.",
        "auto",
        choices=("auto", "true", "false"),
    ),
    "accumulate": Setting(
        INTEGER,
        "In how many parts a batch is computed, one after the other, to take less "
        "memory where images, not weights, fill it; the result is the same but for "
        "rounding.",
        1,
        1,
    ),
    "recompute": Setting(
        BOOLEAN,
        "Compute the generator's blocks a second time for the gradient, to take less "
        "memory. Not every method can.",
        False,
    ),
}
# The constructor's parameters that the data or a common setting decides.
_DECIDED = ("labels", "domains", "num_labels", "num_domains", "seed")
_KINDS = {"int": INTEGER, "float": NUMBER, "bool": BOOLEAN, "str": TEXT}
# The length of training is one of these. `steps_each` counts the steps on each of
# several data sets; only defaults have it.
_LENGTHS = ("steps", "epochs", "steps_each")


@dataclasses.dataclass(frozen=True)
class Settings:
    """The chosen settings of a run.

    Args:
        method: the method's name.
        values: the value of each setting, None where it has none.
        fixed: names of the settings that are not derived from the number of steps,
            because a person or a recipe gave them.
    """

    method: str
    values: dict[str, Any]
    fixed: frozenset[str] = frozenset()

    def with_lengths(self, total_steps: int) -> "tuple[Settings, dict[str, Any]]":
        """Derives the settings that follow from the number of steps.

        Args:
            total_steps: the length of training.

        Returns:
            The new settings, and those of their values that were derived.

        Raises:
            ValueError: if the settings do not go together with this length.
        """
        of_method = registry.published(self.method)
        lengths = getattr(of_method, "lengths", lambda steps: {})
        derived = {
            name: value
            for name, value in lengths(total_steps).items()
            if name not in self.fixed
        }
        values = self.values | derived
        if hasattr(of_method, "check_settings"):
            of_method.check_settings(values | {"steps": total_steps})
        return dataclasses.replace(self, values=values), derived


def settings_of(method: str) -> dict[str, Setting]:
    """All settings of a method, by name: the common ones first.

    Args:
        method: the method's name.

    Raises:
        ValueError: if there is no such method.
    """
    description = registry.describe(method)
    found = dict(COMMON)
    for parameter in (*description.parameters, *description.optimizer_parameters):
        # What a flag gives is the first of the types that a parameter may have.
        kind = _KINDS.get(parameter.annotation.split(" | ")[0])
        if kind is None or parameter.name in _DECIDED:
            continue
        help = parameter.help[:1].upper() + parameter.help[1:]
        least = 0 if kind == INTEGER else None
        found[parameter.name] = Setting(kind, help, parameter.default, least)
    return found


def defaults(
    method: str, is_drawn: bool, recipe: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The settings where nobody says otherwise.

    Args:
        method: the method's name.
        is_drawn: whether the pictures are drawn on this machine, to be trained on in
            minutes, instead of real data.
        recipe: what a recipe says.
    """
    published = registry.published(method)
    values = {name: setting.default for name, setting in settings_of(method).items()}
    values["steps_each"] = None
    values = _overlaid(values, published.SMALL if is_drawn else published.PUBLISHED)
    return _overlaid(values, recipe or {})


def choose(
    method: str,
    given: Mapping[str, Any],
    default_data: Sequence[str] = (),
    default_other_data: Sequence[str] = (),
    published: Mapping[str, Any] | None = None,
    small: Mapping[str, Any] | None = None,
    earlier: Mapping[str, Any] | None = None,
) -> Settings:
    """Chooses the settings of a run, checked against each other.

    Args:
        method: the method's name.
        given: what a person gave, by flags or a file.
        default_data: the data sets if none are given; by default those that the
            method's `SMALL` names.
        default_other_data: the same for data that is only translated.
        published: what a recipe says for real data.
        small: what a recipe says for drawn data.
        earlier: the settings of the run that is resumed.

    Raises:
        ValueError: for an unknown name, a value of the wrong kind or out of range, or
            settings that do not go together.
    """
    known = settings_of(method)
    given = {name: check_value(known, name, value) for name, value in given.items()}
    earlier = {k: v for k, v in (earlier or {}).items() if k in known}
    data = given.get("data") or earlier.get("data") or list(default_data)
    data = data or list(registry.published(method).SMALL["data"])
    data = [complete_source(source) for source in data]
    other_data = (
        given.get("other_data") or earlier.get("other_data") or default_other_data
    )
    is_drawn = all(source in DRAWN for source in data) and not given.get("published")
    recipe = (small if is_drawn else published) or {}
    values = defaults(method, is_drawn, recipe)
    values = _overlaid(_overlaid(values, earlier), given)
    values |= {"data": data, "other_data": list(other_data)}
    if (steps_each := values.pop("steps_each")) is not None:
        values["steps"] = steps_each * len(data)
    for source in (*data, *other_data):
        check_source(source)
    if values["strategy"] == "multiworker":
        check_cluster(os.environ)
    of_method = registry.published(method)
    if hasattr(of_method, "suited") and not values["published"]:
        found = of_method.suited(values).items()
        is_given = set(given) | set(earlier) | set(recipe)
        values |= {name: value for name, value in found if name not in is_given}
    if hasattr(of_method, "check_settings"):
        of_method.check_settings(values)
    fixed = set(given) | set(recipe)
    if is_drawn or earlier or values["published"]:
        # The settings of drawn pictures suit each other as they are.
        fixed = set(known)
    return Settings(method, values, frozenset(fixed))


def _overlaid(values: dict[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Values with others above them; one length of training takes the other's place."""
    lengths = {name: above[name] for name in _LENGTHS if above.get(name) is not None}
    if len(lengths) > 1:
        raise ValueError(
            f"Give only one of {' and '.join(lengths)}; received "
            f"{', '.join(f'{name}={value}' for name, value in lengths.items())}."
        )
    if lengths:
        values = values | dict.fromkeys(_LENGTHS)
    return values | dict(above)


def check_value(known: Mapping[str, Setting], name: str, value: Any) -> Any:
    """Gives a setting's value in its own type.

    Args:
        known: all settings.
        name: the setting's name.
        value: what was given for it.

    Raises:
        ValueError: for an unknown name, naming the nearest, or a value that the
            setting cannot have.
    """
    if name not in known:
        nearest = difflib.get_close_matches(name, known, 1)
        hint = f" Did you mean {nearest[0]}?" if nearest else ""
        raise ValueError(f"There is no setting {name!r}.{hint}")
    setting = known[name]
    if value is None:
        return None
    types: dict[str, tuple[type, ...]] = {
        INTEGER: (int,),
        NUMBER: (int, float),
        BOOLEAN: (bool,),
        TEXT: (str,),
        TEXTS: (list, tuple),
    }
    is_wrong = not isinstance(value, types[setting.kind])
    is_wrong |= isinstance(value, bool) and setting.kind != BOOLEAN
    if setting.kind == TEXTS and not is_wrong:
        is_wrong = not all(isinstance(item, str) for item in value)
    if is_wrong:
        what = {TEXTS: "a list of texts", INTEGER: "a whole number"}
        needed = what.get(setting.kind, f"a {setting.kind}")
        raise ValueError(f"{name} must be {needed}; received {value!r}.")
    if setting.least is not None and value < setting.least:
        raise ValueError(f"{name} must be at least {setting.least}; received {value}.")
    if setting.choices and value not in setting.choices:
        raise ValueError(
            f"{name} must be one of {', '.join(setting.choices)}; received {value!r}."
        )
    conversions: dict[str, Callable[[Any], Any]] = {NUMBER: float, TEXTS: list}
    return conversions.get(setting.kind, lambda x: x)(value)


# Configuration files.


def read_config(path: str | pathlib.Path) -> dict[str, Any]:
    """Reads a run's description, a TOML file such as every run leaves.

    Args:
        path: the file.

    Returns:
        What it says: `method`, and the values of settings by their names.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is not a TOML file.
    """
    try:
        return tomllib.loads(pathlib.Path(path).read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path} is not a TOML file: {error}") from error


def write_config(
    path: str | pathlib.Path, settings: Settings, derived: Mapping[str, Any]
) -> None:
    """Writes a run's description, with which `--config` repeats it.

    Args:
        path: the file.
        settings: the run's.
        derived: those of its settings that follow from the number of steps. They are
            written as comments, so that they also follow from another number.
    """
    lines = [
        "# What this run did. To repeat it: keras-stargan train --config=run.toml",
        f"method = {json.dumps(settings.method)}",
    ]
    for name, value in settings.values.items():
        if value is not None:
            # A JSON number, text, boolean or list of texts is one in TOML, too.
            line = f"{name} = {json.dumps(value, ensure_ascii=False)}"
            lines.append(f"# derived: {line}" if name in derived else line)
    write_text(path, "\n".join(lines) + "\n")
