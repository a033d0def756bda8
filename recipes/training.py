"""What the training recipes share: flags, runs, figures.

A recipe says which data it is about and gives its defaults; its method, StarGAN v1 or
v2, makes the model. --work_dir gets samples/ (grids of pictures never trained on),
checkpoints/, logs/ (for TensorBoard), history.csv, and at the end model.keras,
saved_model/ (for TensorFlow Serving) and figures.json.
"""

import program  # isort: skip

import dataclasses
import pathlib
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from absl import flags
from data_sources import DRAWN, load_data

from keras_stargan.data import ImageSet
from keras_stargan.files.whole import write_json
from keras_stargan.files.work_dir import (
    check_work_dir,
    open_work_dir,
    saved_settings,
)
from keras_stargan.images import save_png
from keras_stargan.labels import LabelSet
from keras_stargan.training import AdversarialModel
from keras_stargan.training.callbacks import SampleGrids
from keras_stargan.training.checkpoints import save_model
from keras_stargan.training.runs import train
from keras_stargan.training.strategies import make_strategy

# Kept with a run besides its method's settings and its data.
OTHERS = (
    "attributes",
    "test_images",
    "fan",
    "skip_unreadable",
    "cache_dir",
    "seed",
    "strategy",
    "devices",
    "mixed_precision",
)

FLAGS = flags.FLAGS
# The flags are the recipes', or their --help would not show them.
flags.disclaim_key_flags()

# Of all methods; None: it depends on the data.
_NUMBERS = {
    "image_size": "Side of the pictures in pixels.",
    "batch_size": "Pictures in a step.",
    "steps": "Length of training in steps; the defaults are those on each data set.",
    "epochs": "Length of training in passes over the data, instead of --steps.",
    "steps_per_epoch": "Steps that the progress bar calls an epoch.",
    "save_every": "Epochs between checkpoints and between sample grids.",
    "max_evaluated": "Test pictures that figures.json is about (None: all).",
}
_COMMON = {name: None for name in _NUMBERS} | {"save_every": 1}

# An image set for training, and one for figures.
Parts = tuple[ImageSet, ImageSet]


@dataclasses.dataclass(frozen=True)
class Method:
    """What is particular of StarGAN v1 or v2.

    Args:
        numbers: settings that are whole numbers from 1 on, and what they mean.
        rates: those that are any numbers.
        published: the paper's, for real data; what is not named is None.
        small: what two cores can train in minutes, for what is drawn.
        tiny: settings of a model that is made only to have the others checked.
        make_model: (settings, label sets of the data) -> the compiled model.
        make_batches: (training sets, settings) -> (step -> batches from there on).
        make_grids: (model, test sets) -> what draws each grid of samples, by name.
        callbacks: (settings, total steps) -> more callbacks.
        export: (model, folder) -> None, for TensorFlow Serving.
        figures: (model, parts, settings) -> what figures.json says of translations.
    """

    numbers: dict[str, str]
    rates: dict[str, str]
    published: dict
    small: dict
    tiny: dict
    make_model: Callable[[dict, list[LabelSet]], AdversarialModel]
    make_batches: Callable[[list[ImageSet], dict], Callable[[int], tf.data.Dataset]]
    make_grids: Callable[
        [AdversarialModel, list[ImageSet]], dict[str, Callable[[], np.ndarray]]
    ]
    callbacks: Callable[[dict, int], list[keras.callbacks.Callback]]
    export: Callable[[AdversarialModel, pathlib.Path], None]
    figures: Callable[[AdversarialModel, list[Parts], dict], dict]


def named_data(kinds: dict[str, str], otherwise: str) -> list[str]:
    """The data set that a flag names, as `load_data` takes it, or another one.

    Args:
        kinds: of data, by the flag that names it.
        otherwise: what it is if none does.
    """
    given = {name: FLAGS[name].value for name in kinds}
    named = [f"{kinds[name]}:{value}" for name, value in given.items() if value]
    return named or [otherwise]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a recipe is about.

    Args:
        method: StarGAN v1 or v2.
        work_dir: default of the flag.
        sources: gives the data sets to train on, as the flags say, and those that
            only figures are about; both as `load_data` takes them.
        published: settings for real data, besides the method's.
        small: settings for what is drawn, besides the method's.
        evaluate: (model, parts trained on, other parts, settings) -> figures, besides
            those of each data set, and grids by name. A part is a training and a test
            set.
    """

    method: Method
    work_dir: str
    sources: Callable[[], tuple[list[str], list[str]]]
    published: dict
    small: dict = dataclasses.field(default_factory=dict)
    evaluate: Callable[..., tuple[dict, dict]] = lambda *_: ({}, {})

    def defaults(self, drawn: bool) -> dict:
        """All settings, of data that is drawn here or real."""
        if drawn:
            return _COMMON | self.method.small | self.small
        return _COMMON | self.method.published | self.published

    @property
    def numbers(self) -> dict[str, str]:
        """Whole numbers among the settings, and what they mean."""
        return _NUMBERS | self.method.numbers


def define_flags(recipe: Recipe) -> None:
    """Defines the flags that all recipes have, with this one's defaults."""
    flags.DEFINE_string(
        "work_dir", recipe.work_dir, "Folder for all that the run leaves."
    )
    flags.DEFINE_string(
        "cache_dir",
        None,
        "Where prepared pictures and drawn avatars are kept. Default: "
        "$KERAS_STARGAN_CACHE, else keras_stargan in $XDG_CACHE_HOME or ~/.cache.",
    )
    flags.DEFINE_bool(
        "skip_unreadable",
        False,
        "Leave damaged pictures out and say how many, instead of stopping.",
    )
    flags.DEFINE_bool(
        "resume",
        False,
        "Go on from the last checkpoint in --work_dir, "
        "with that run's settings where no flag says otherwise.",
    )
    flags.DEFINE_integer(
        "seed", 0, "Of weights, data order and every draw in training."
    )
    published, small = recipe.defaults(drawn=False), recipe.defaults(drawn=True)

    def with_defaults(name: str, text: str) -> str:
        given = f"Default: {published[name]} with data"
        return f"{text} {given}, {small[name]} without."

    for name, text in recipe.numbers.items():
        flags.DEFINE_integer(name, None, with_defaults(name, text))
    for name, text in recipe.method.rates.items():
        flags.DEFINE_float(name, None, with_defaults(name, text))
    flags.DEFINE_enum(
        "strategy",
        "one",
        ["one", "mirrored"],
        "Train on one device, or share each batch among several.",
    )
    flags.DEFINE_list(
        "devices",
        None,
        "Devices to train on, as GPU:0,GPU:1. Default: the first GPU, or with "
        "--strategy=mirrored all; the CPU if there is none.",
    )
    flags.DEFINE_enum(
        "mixed_precision",
        "none",
        ["none", "bfloat16", "float16"],
        "Compute in half precision, weights and losses staying float32.",
    )
    flags.DEFINE_enum(
        "jit_compile",
        "auto",
        ["auto", "true", "false"],
        "Compile losses and gradients with XLA; auto: on GPUs only.",
    )


def chosen_settings(recipe: Recipe) -> dict:
    """The given flags, and the defaults for the rest, checked against each other."""
    data, others = recipe.sources()
    drawn = all(source in DRAWN for source in data)
    settings = {"data": data, "other_data": others} | recipe.defaults(drawn)
    if settings["steps"]:
        settings["steps"] *= len(data)
    earlier = (saved_settings(FLAGS.work_dir) or {}) if FLAGS.resume else {}
    if earlier:
        settings = {name: earlier.get(name, value) for name, value in settings.items()}
        if not drawn:  # The data was named again: it may have moved.
            settings |= {"data": data, "other_data": others}
    if FLAGS.steps is not None and FLAGS.epochs is not None:
        raise ValueError("Give --steps or --epochs, not both.")
    if FLAGS.steps is not None or FLAGS.epochs is not None:
        settings |= {"steps": None, "epochs": None}
    named = (*recipe.numbers, *recipe.method.rates)
    given = {name: FLAGS[name].value for name in named}
    settings |= {name: value for name, value in given.items() if value is not None}
    for name in recipe.numbers:
        if settings[name] is not None and settings[name] < 1:
            raise ValueError(f"--{name} must be at least 1; received {settings[name]}.")
    for name in OTHERS:
        present = name in FLAGS and FLAGS[name].present
        settings[name] = FLAGS[name].value if name in FLAGS else None
        if name in earlier and not present:
            settings[name] = earlier[name]
    return settings


def print_figures(figures: dict, indent: str = "  ") -> None:
    """Prints figures, those of a part under its name."""
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{indent}{name}:")
            print_figures(value, indent + "  ")
        else:
            text = f"{value:.4g}" if isinstance(value, float) else value
            print(f"{indent}{name}: {text}")


def load_parts(source: str, settings: dict) -> Parts:
    """A data set as a run's settings say."""
    return load_data(
        source,
        settings["image_size"],
        settings["seed"],
        settings["attributes"],
        settings["test_images"],
        settings["skip_unreadable"],
        settings["cache_dir"],
    )


def train_model(
    method: Method,
    settings: dict,
    parts: list[Parts],
    work_dir: pathlib.Path,
    resume: bool,
    strategy: tf.distribute.Strategy,
) -> tuple[AdversarialModel, dict[str, Callable[[], np.ndarray]]]:
    """Trains a model in a run's folder; gives it, and what draws its grids.

    Args:
        method: StarGAN v1 or v2.
        settings: of the run.
        parts: of each data set.
        work_dir: the run's folder; an earlier run there is moved aside.
        resume: go on with the earlier run instead.
        strategy: that the model is trained under.
    """
    train_sets, test_sets = map(list, zip(*parts, strict=True))
    keras.utils.set_random_seed(settings["seed"])
    with strategy.scope():
        model = method.make_model(settings, [part.label_set for part in train_sets])

    batch_size = settings["batch_size"]
    one_pass = max(len(part) for part in train_sets) // batch_size * len(train_sets)
    steps_per_epoch = settings["steps_per_epoch"] or max(1, one_pass)
    total_steps = settings["steps"] or settings["epochs"] * max(1, one_pass)
    print(
        f"{sum(map(len, train_sets))} training and {sum(map(len, test_sets))} test "
        f"pictures, {total_steps} steps of {batch_size}."
    )
    batches_from = method.make_batches(train_sets, settings)
    batches_from(0)  # Refuses an impossible batch size.
    work_dir = open_work_dir(work_dir, resume)
    grids = method.make_grids(model, test_sets)
    train(
        model,
        batches_from,
        total_steps,
        steps_per_epoch,
        work_dir,
        settings,
        callbacks=[
            *method.callbacks(settings, total_steps),
            *(
                SampleGrids(
                    draw,
                    work_dir / "samples" / name,
                    settings["save_every"],
                    work_dir / "logs" / "samples" / name,
                )
                for name, draw in grids.items()
            ),
        ],
        checkpoint_every=settings["save_every"],
        resume=resume,
    )
    return model, grids


def main(recipe: Recipe) -> None:
    """Loads the data, trains, evaluates and exports."""
    settings, method = chosen_settings(recipe), recipe.method
    # Whatever can be wrong with flags and data is found before a run is touched, and
    # with flags, before data is read.
    check_work_dir(FLAGS.work_dir, FLAGS.resume)
    strategy = make_strategy(settings["strategy"], settings["devices"])
    method.make_model(settings | method.tiny, [LabelSet(("any",))])
    parts, other_parts = (
        [load_parts(source, settings) for source in settings[which]]
        for which in ("data", "other_data")
    )
    work_dir = pathlib.Path(FLAGS.work_dir)
    model, grids = train_model(
        method, settings, parts, work_dir, FLAGS.resume, strategy
    )
    print("Saving the model.")
    save_model(model, work_dir / "model.keras")
    method.export(model, work_dir / "saved_model")
    for name, draw in grids.items():
        save_png(work_dir / "samples" / name / "final.png", draw())
    figures = {"steps": model.global_step} | method.figures(model, parts, settings)
    write_json(work_dir / "figures.json", figures)
    more, more_grids = recipe.evaluate(model, parts, other_parts, settings)
    figures |= more
    write_json(work_dir / "figures.json", figures)
    for name, grid in more_grids.items():
        save_png(work_dir / "samples" / f"{name}.png", grid)
    print_figures(figures)
    print(f"All is in {work_dir}; the pictures in {work_dir / 'samples'}.")


def jit_compile() -> bool | str:
    """What `compile` takes for --jit_compile."""
    return {"auto": "auto", "true": True, "false": False}[FLAGS.jit_compile]


def dtype_policy(settings: dict) -> str:
    """The name of the models' dtype policy."""
    half = settings["mixed_precision"]
    return "float32" if half == "none" else f"mixed_{half}"


def run(recipe: Recipe) -> None:
    """`main` as a program."""

    def as_program(argv: list[str]) -> None:
        program.refuse_arguments(argv)
        main(recipe)

    program.run(as_program)
