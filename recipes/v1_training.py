"""What the recipes of StarGAN share: flags, training, figures.

A recipe says which data it is about and gives its defaults. --work_dir gets samples/
(grids: pictures never trained on, then each translation), checkpoints/, logs/ (for
TensorBoard), history.csv, and at the end model.keras, saved_model/ (for TensorFlow
Serving) and figures.json.
"""

import program  # isort: skip

import dataclasses
from collections.abc import Callable

import keras
import numpy as np
from absl import flags
from v1_data import load_data

import keras_stargan
from keras_stargan.data import ImageSet, alternating_dataset
from keras_stargan.evaluation import evaluate_translations, train_classifier
from keras_stargan.export import export_saved_model
from keras_stargan.images import from_uint8, save_png, translation_grid
from keras_stargan.training.callbacks import LinearDecay, SampleGrids
from keras_stargan.training.checkpoints import save_model
from keras_stargan.training.runs import (
    check_work_dir,
    open_work_dir,
    saved_settings,
    train,
    write_json,
)
from keras_stargan.training.strategies import make_strategy

# The paper's settings (section 5.1 and appendix), for real data. An epoch is one
# pass over the larger data set. Steps are those on each data set.
PUBLISHED = {
    "image_size": 128,
    "conv_dim": 64,
    "num_residual_blocks": 6,
    "num_discriminator_layers": 6,
    "batch_size": 16,
    "learning_rate": 1e-4,
    "n_critic": 5,
    "lambda_rec": 10.0,
    "epochs": None,
    "steps": None,
    "steps_per_epoch": None,
    "save_every": 1,
    "max_evaluated": None,
}
# What two cores can train in a few minutes, for avatars.
SMALL = {
    "image_size": 48,
    "conv_dim": 24,
    "num_residual_blocks": 3,
    "num_discriminator_layers": 4,
    "batch_size": 8,
    "learning_rate": 4e-4,
    "n_critic": 3,
    "lambda_rec": 10.0,
    "epochs": None,
    "steps": 4000,
    "steps_per_epoch": 500,
    "save_every": 1,
    "max_evaluated": 240,
}
# Kept with a run besides those and its data.
OTHERS = (
    "attributes",
    "test_images",
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

_NUMBERS = {
    "image_size": "Side of the pictures in pixels.",
    "conv_dim": "Channels of the networks' first layers.",
    "num_residual_blocks": "Residual blocks of the generator.",
    "num_discriminator_layers": "Layers of the discriminator.",
    "batch_size": "Pictures in a step.",
    "steps": "Length of training in steps (updates of the discriminator); the "
    "defaults are those on each data set.",
    "epochs": "Length of training in passes over the data, instead of --steps.",
    "steps_per_epoch": "Steps that the progress bar calls an epoch.",
    "save_every": "Epochs between checkpoints and between sample grids.",
    "n_critic": "Discriminator updates for a generator's.",
    "max_evaluated": "Test pictures that figures.json is about (None: all).",
}
_RATES = {
    "learning_rate": "Rate of both optimisers; falls to 0 in the second half.",
    "lambda_rec": "Weight of the reconstruction loss.",
}


def named_data(kinds: dict[str, str], otherwise: str) -> list[str]:
    """The data set that a flag names, as `load_data` takes it, or another one.

    Args:
        kinds: of data, by the flag that names it.
        otherwise: what it is if none does.
    """
    given = {kind: FLAGS[name].value for name, kind in kinds.items()}
    named = [f"{kind}:{value}" for kind, value in given.items() if value]
    return named or [otherwise]


@dataclasses.dataclass(frozen=True)
class Recipe:
    """What a recipe is about.

    Args:
        work_dir: default of the flag.
        sources: gives the data sets to train on, as the flags say, and those that
            only figures are about; both as `load_data` takes them.
        published: settings for real data, besides `PUBLISHED`.
        small: settings for avatars, besides `SMALL`.
        evaluate: (model, parts trained on, other parts, settings) -> figures, besides
            those of each data set, and grids by name. A part is a training and a test
            set.
    """

    work_dir: str
    sources: Callable[[], tuple[list[str], list[str]]]
    published: dict
    small: dict = dataclasses.field(default_factory=dict)
    evaluate: Callable[..., tuple[dict, dict]] = lambda *_: ({}, {})


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
    published, small = PUBLISHED | recipe.published, SMALL | recipe.small

    def with_defaults(name: str, text: str) -> str:
        given = f"Default: {published[name]} with data"
        return f"{text} {given}, {small[name]} with avatars."

    for name, text in _NUMBERS.items():
        flags.DEFINE_integer(name, None, with_defaults(name, text))
    for name, text in _RATES.items():
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
    drawn = all(source.startswith("avatars:") for source in data)
    settings = {"data": data, "other_data": others}
    settings |= SMALL | recipe.small if drawn else PUBLISHED | recipe.published
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
    given = {name: FLAGS[name].value for name in (*_NUMBERS, *_RATES)}
    settings |= {name: value for name, value in given.items() if value is not None}
    for name in _NUMBERS:
        if settings[name] is not None and settings[name] < 1:
            raise ValueError(f"--{name} must be at least 1; received {settings[name]}.")
    for name in OTHERS:
        present = name in FLAGS and FLAGS[name].present
        settings[name] = FLAGS[name].value if name in FLAGS else None
        if name in earlier and not present:
            settings[name] = earlier[name]
    return settings


def make_model(
    settings: dict, labels: keras_stargan.LabelSpace
) -> keras_stargan.StarGAN:
    """The compiled model."""
    half = settings["mixed_precision"]
    model = keras_stargan.StarGAN(
        labels=labels,
        dtype="float32" if half == "none" else f"mixed_{half}",
        **{
            name: settings[name]
            for name in (
                "image_size",
                "conv_dim",
                "num_residual_blocks",
                "num_discriminator_layers",
                "lambda_rec",
                "n_critic",
                "seed",
            )
        },
    )
    rate = settings["learning_rate"]
    model.compile(
        keras_stargan.Adam(rate),
        keras_stargan.Adam(rate),
        jit_compile={"auto": "auto", "true": True, "false": False}[FLAGS.jit_compile],
    )
    return model


def sample_grid(model: keras_stargan.StarGAN, test_sets: list[ImageSet]) -> np.ndarray:
    """Eight test pictures, as many of each data set, translated to every label."""
    samples = [part.subset(part.spread(8 // len(test_sets))) for part in test_sets]
    images = from_uint8(np.concatenate([part.images for part in samples]))
    labels = np.concatenate(
        [model.labels.unify(part.labels, i) for i, part in enumerate(samples)]
    )
    guesses = model.classify(images) if len(samples) > 1 else None
    return translation_grid(model.translate, images, model.labels, labels, guesses)


def set_figures(
    model: keras_stargan.StarGAN,
    train_sets: list[ImageSet],
    test_sets: list[ImageSet],
    settings: dict,
) -> dict:
    """The figures of each data set, translated to its own labels."""
    figures = {}
    for place, (train_set, test_set) in enumerate(
        zip(train_sets, test_sets, strict=True)
    ):
        print("Training the classifier that judges the translations.")
        classifier = train_classifier(train_set, seed=settings["seed"])
        print("Translating pictures never seen in training.")
        figures[test_set.label_set.name] = evaluate_translations(
            lambda x, c, place=place: model.translate(x, model.labels.unify(c, place)),
            test_set,
            classifier,
            max_images=settings["max_evaluated"],
        )
    # A single data set's figures need no name.
    return figures if len(figures) > 1 else figures.popitem()[1]


def print_figures(figures: dict, indent: str = "  ") -> None:
    """Prints figures, those of a part under its name."""
    for name, value in figures.items():
        if isinstance(value, dict):
            print(f"{indent}{name}:")
            print_figures(value, indent + "  ")
        else:
            text = f"{value:.4g}" if isinstance(value, float) else value
            print(f"{indent}{name}: {text}")


def main(recipe: Recipe) -> None:
    """Loads the data, trains, evaluates and exports."""
    settings = chosen_settings(recipe)
    # Whatever can be wrong with flags and data is found before a run is touched, and
    # with flags, before data is read.
    check_work_dir(FLAGS.work_dir, FLAGS.resume)
    strategy = make_strategy(settings["strategy"], settings["devices"])
    any_labels = keras_stargan.LabelSpace.of(keras_stargan.LabelSet(("any",)))
    make_model(settings | {"conv_dim": 1}, any_labels)  # A small one.
    parts, other_parts = (
        [
            load_data(
                source,
                settings["image_size"],
                settings["seed"],
                settings["attributes"],
                settings["test_images"],
                settings["skip_unreadable"],
                settings["cache_dir"],
            )
            for source in settings[which]
        ]
        for which in ("data", "other_data")
    )
    train_sets, test_sets = map(list, zip(*parts, strict=True))
    labels = keras_stargan.LabelSpace(tuple(part.label_set for part in train_sets))
    keras.utils.set_random_seed(settings["seed"])
    with strategy.scope():
        model = make_model(settings, labels)

    batch_size = settings["batch_size"]
    one_pass = max(len(part) for part in train_sets) // batch_size * len(train_sets)
    steps_per_epoch = settings["steps_per_epoch"] or max(1, one_pass)
    total_steps = settings["steps"] or settings["epochs"] * max(1, one_pass)
    print(
        f"{sum(map(len, train_sets))} training and {sum(map(len, test_sets))} test "
        f"pictures, {total_steps} steps of {batch_size}."
    )

    def batches_from(step):
        return alternating_dataset(train_sets, batch_size, settings["seed"], step)

    batches_from(0)  # Refuses an impossible batch size.
    work_dir = open_work_dir(FLAGS.work_dir, FLAGS.resume)
    train(
        model,
        batches_from,
        total_steps,
        steps_per_epoch,
        work_dir,
        settings,
        callbacks=[
            LinearDecay(settings["learning_rate"], total_steps),
            SampleGrids(
                lambda: sample_grid(model, test_sets),
                work_dir / "samples",
                settings["save_every"],
                work_dir / "logs" / "samples",
            ),
        ],
        checkpoint_every=settings["save_every"],
        resume=FLAGS.resume,
    )

    print("Saving the model.")
    save_model(model, work_dir / "model.keras")
    export_saved_model(model, work_dir / "saved_model")
    save_png(work_dir / "samples" / "final.png", sample_grid(model, test_sets))
    figures = {
        "steps": total_steps,
        "generator_parameters": model.generator.count_params(),
        "discriminator_parameters": model.discriminator.count_params(),
    } | set_figures(model, train_sets, test_sets, settings)
    write_json(work_dir / "figures.json", figures)
    more, grids = recipe.evaluate(model, parts, other_parts, settings)
    figures |= more
    write_json(work_dir / "figures.json", figures)
    for name, grid in grids.items():
        save_png(work_dir / "samples" / f"{name}.png", grid)
    print_figures(figures)
    print(f"All is in {work_dir}; the pictures in {work_dir / 'samples'}.")


def run(recipe: Recipe) -> None:
    """`main` as a program."""

    def as_program(argv: list[str]) -> None:
        program.refuse_arguments(argv)
        main(recipe)

    program.run(as_program)
