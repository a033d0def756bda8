"""Trains a model, evaluates it and exports it.

    keras-stargan train stargan --data=folders:pets --output_dir=runs/pets
    keras-stargan train stargan_v2 --data=pets --image_size=64 --steps=5000
    keras-stargan train --config=run.toml
    keras-stargan train --resume --output_dir=runs/pets

--data names the pictures. Without, the pictures are drawn on this machine, and the
defaults are small enough for two cores and no GPU. With data, the defaults are the
paper's, except for settings that follow from the number of steps, which are printed
when training starts.

--output_dir gets samples/ (grids of pictures never trained on), checkpoints/, logs/
(for TensorBoard), history.csv, run.toml (which repeats the run), and at the end
model.keras, saved_model/ (for TensorFlow Serving) and figures.json.
"""

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from keras_stargan.cli.command import Command, Flags, is_help
from keras_stargan.experiments import settings as experiment_settings
from keras_stargan.experiments.data_sources import READERS, complete_source
from keras_stargan.experiments.settings import Setting, Settings, settings_of
from keras_stargan.files.work_dir import check_work_dir, saved_settings
from keras_stargan.methods import registry


@dataclasses.dataclass(frozen=True)
class Source:
    """A data set of a recipe, and the flags that say where it is.

    Args:
        drawn: what is drawn instead if no flag names any data.
        flags: the kind of data that each flag names.
    """

    drawn: str
    flags: Mapping[str, str]

    def given(self, flags: Flags) -> str | None:
        """The data that a flag names, as `KIND:PLACE`; None if none does."""
        for name, kind in self.flags.items():
            if place := getattr(flags, name):
                return f"{kind}:{place}"
        return None


@dataclasses.dataclass(frozen=True)
class Recipe:
    """A published experiment: data, method, and what is set otherwise.

    Args:
        method: the method's name.
        output_dir: the run's folder, where the flag names none.
        data: by name, the data sets to train on; by default those that --data names.
        other_data: a data set that is only translated.
        published: settings for real data that differ from the method's.
        small: the same for drawn data.
    """

    method: str
    output_dir: str
    data: Mapping[str, Source] = dataclasses.field(default_factory=dict)
    other_data: Source | None = None
    published: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    small: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def command(self, name: str, text: str) -> Command:
        """A program that trains by this recipe.

        Args:
            name: how the program is called in its help.
            text: what it does, for its help.
        """

        def run(flags: Flags, inputs: list[str]) -> None:
            settings = choose(self, flags)
            _train(settings, flags.output_dir, flags.resume)

        return Command(name, text, functools.partial(define, self), run)


def define(recipe: Recipe, flags: Flags) -> None:
    """Defines a recipe's flags: its data, its run, and all settings of its method."""
    for source in recipe.data.values():
        for name, kind in source.flags.items():
            flags.string(name, None, READERS[kind][1])
        flags.exclusive(*source.flags)
    if len(recipe.data) > 1:
        names = ("both", *recipe.data)
        flags.choice(
            "train_on", "both", names, "Train on all data sets, or on one alone."
        )
    if not recipe.data:
        flags.repeated(
            "data",
            [],
            f"The pictures, as KIND:PLACE (KIND is {', '.join(READERS)}), or just a "
            "folder or a CSV file. Repeat the flag for several data sets. Default: "
            "pictures that are drawn on this machine.",
        )
        flags.string(
            "folders", None, f"{READERS['folders'][1]} Short for --data=folders:..."
        )
    _define_run(flags, recipe.output_dir)
    of_papers, of_drawn = (
        experiment_settings.defaults(recipe.method, is_drawn, of_recipe)
        for is_drawn, of_recipe in ((False, recipe.published), (True, recipe.small))
    )
    for defaults in (of_papers, of_drawn):
        defaults["steps"] = defaults["steps"] or defaults["steps_each"]
    for name, setting in settings_of(recipe.method).items():
        if name not in ("data", "other_data"):
            help = _with_defaults(setting.help, of_papers[name], of_drawn[name])
            _define_setting(flags, name, setting._replace(help=help))


def _define_run(flags: Flags, output_dir: str) -> None:
    flags.string("output_dir", output_dir, "Folder for all that the run leaves.")
    flags.alias("output", "output_dir")
    flags.alias("work_dir", "output_dir")
    flags.string("config", None, "Read settings from this TOML file; flags go first.")
    flags.boolean(
        "resume",
        False,
        "Go on from the last checkpoint in --output_dir, with that run's settings "
        "where no flag says otherwise.",
    )


def _with_defaults(help: str, published: Any, small: Any) -> str:
    if "default" in help.lower() or (published is None and small is None):
        return help
    if published == small:
        return help if published is False else f"{help} Default: {_text(published)}."
    return (
        f"{help} Default: {_text(published)} with data, {_text(small)} for drawn "
        "pictures."
    )


def _text(value: Any) -> str:
    if value is None:
        return "none"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _define_setting(flags: Flags, name: str, setting: Setting) -> None:
    if setting.choices:
        flags.choice(name, None, setting.choices, setting.help)
        return
    kinds: dict[str, Callable] = {
        experiment_settings.INTEGER: flags.integer,
        experiment_settings.NUMBER: flags.number,
        experiment_settings.BOOLEAN: flags.boolean,
        experiment_settings.TEXT: flags.string,
        experiment_settings.TEXTS: flags.words,
    }
    kinds[setting.kind](name, None, setting.help)


def choose(recipe: Recipe, flags: Flags, is_run: bool = True) -> Settings:
    """The settings of a run, from a recipe, an earlier run, a file and flags.

    Args:
        recipe: the recipe.
        flags: its flags, parsed.
        is_run: whether the output folder is a run's, instead of one of several runs.

    Raises:
        ValueError: if they do not go together, or there is no run to resume.
    """
    known = settings_of(recipe.method)
    config = experiment_settings.read_config(flags.config) if flags.config else {}
    _check_method(config.pop("method", recipe.method), recipe.method, flags.config)
    given = config | {k: v for k, v in flags.given().items() if k in known}
    if is_run:
        check_work_dir(flags.output_dir, flags.resume)
    earlier = (saved_settings(flags.output_dir) or {}) if flags.resume else {}
    _check_method(earlier.get("method", recipe.method), recipe.method, flags.output_dir)
    data, other_data = _data(recipe, flags)
    if data:
        given["data"] = data
    drawn = [source.drawn for source in recipe.data.values()]
    others = [recipe.other_data.drawn] if recipe.other_data else []
    if "train_on" in flags.given() and flags.train_on != "both":
        drawn = [recipe.data[flags.train_on].drawn]
    if other_data:
        given["other_data"] = other_data
    return experiment_settings.choose(
        recipe.method,
        given,
        drawn,
        others if not data else (),
        recipe.published,
        recipe.small,
        earlier,
    )


def _check_method(named: str, method: str, where: str) -> None:
    if named != method:
        raise ValueError(f"{where} describes a run of {named}, not of {method}.")


def _data(recipe: Recipe, flags: Flags) -> tuple[list[str], list[str]]:
    """The data that flags name: to train on, and only to be translated."""
    if not recipe.data:
        folders = [f"folders:{flags.folders}"] if flags.folders else []
        return [*map(complete_source, flags.data), *folders], []
    named = {name: source.given(flags) for name, source in recipe.data.items()}
    if len(recipe.data) > 1:
        if flags.resume and "train_on" in flags.given():
            raise ValueError(
                "--resume goes on with the run's own data, not --train_on."
            )
        if any(named.values()) and not all(named.values()):
            of_flags = [f"--{flag}" for s in recipe.data.values() for flag in s.flags]
            raise ValueError(f"Give both {' and '.join(of_flags)}, or neither.")
        if flags.train_on != "both":
            named = {flags.train_on: named[flags.train_on]}
    others = [recipe.other_data.given(flags)] if recipe.other_data else []
    return [s for s in named.values() if s], [s for s in others if s]


def _train(settings: Settings, output_dir: str, resume: bool) -> None:
    from keras_stargan.experiments.run import run

    run(settings, output_dir, resume)


# The general command: the method is the first argument.


def methods_text() -> str:
    """The methods, a line for each."""
    names = registry.names()
    width = max(map(len, names)) + 2
    lines = (f"  {name.ljust(width)}{registry.describe(name).title}" for name in names)
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Runs `keras-stargan train`.

    Args:
        arguments: what follows `train`: a method's name, and flags. Without the name,
            --config or the run that --resume goes on with says which method it is.

    Raises:
        ValueError: if the command line is wrong.
    """
    method = None
    if arguments and not arguments[0].startswith("-"):
        method, *arguments = arguments
        registry.check_name(method)
    elif arguments and not is_help(arguments):
        method = _method_of(arguments)
    if method is None:
        print(
            f"{__doc__.strip()}\n\nUsage: keras-stargan train METHOD [flags]\n\n"
            f"{methods_text()}\n\nkeras-stargan train METHOD --help lists the flags."
        )
        return
    recipe = Recipe(method, f"runs/{method}")
    recipe.command(f"keras-stargan train {method}", __doc__)(arguments)


def _method_of(arguments: Sequence[str]) -> str:
    """The method that a configuration file or an earlier run names."""
    flags = Flags()
    _define_run(flags, "")
    flags.parse(arguments, known_only=True)
    method = None
    if flags.config:
        method = experiment_settings.read_config(flags.config).get("method")
    elif flags.resume:
        method = (saved_settings(flags.output_dir) or {}).get("method")
    if method is None:
        raise ValueError(
            f"Name a method: {', '.join(registry.names())}. See keras-stargan train "
            "--help."
        )
    registry.check_name(method)
    return method


COMMAND = main
