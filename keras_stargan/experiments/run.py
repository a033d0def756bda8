"""A run: loads data, trains a model of any method, evaluates it and exports it."""

import functools
import json
import os
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_stargan.data import ImageSet
from keras_stargan.data.batches import BATCHES, IMAGES_OF, WHOLE, images_in_pass
from keras_stargan.experiments.data_sources import load_data
from keras_stargan.experiments.report import figures_of, transfer_of
from keras_stargan.experiments.schedule import Schedule
from keras_stargan.experiments.settings import Settings, write_config
from keras_stargan.export import export_saved_model
from keras_stargan.files.whole import write_json
from keras_stargan.files.work_dir import check_work_dir, open_work_dir
from keras_stargan.images import save_png
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.methods import registry
from keras_stargan.methods.base import TranslationModel
from keras_stargan.training.callbacks import LearningRateSchedule, SampleGrids
from keras_stargan.training.checkpoints import save_model
from keras_stargan.training.runs import train
from keras_stargan.training.strategies import make_strategy
from keras_stargan.training.workers import (
    all_together,
    check_agreement,
    checksum,
    worker_of,
)
from keras_stargan.use.grids import sample_grids

# An image set for training, and one for figures.
Parts = tuple[ImageSet, ImageSet]
# What draws a grid of pictures: uint8 `(height, width, 3)`.
Draw = Callable[[], np.ndarray]
# The settings in which workers may differ: where something lies, and what computes.
_OF_ONE_WORKER = ("data", "other_data", "cache_dir", "devices")


def run(settings: Settings, output_dir: str | os.PathLike, resume: bool) -> dict:
    """Loads the data, trains, evaluates and exports.

    Of several workers, the first one does all but training, and the others end when
    training does.

    Args:
        settings: what is done.
        output_dir: the run's folder. An earlier run there is moved aside.
        resume: go on with the earlier run instead.

    Returns:
        The figures, as they are in `figures.json`; of several workers, the others than
        the first get none.

    Raises:
        ValueError: if the settings, the data and the folder do not go together, or
            several workers do not agree; before anything is written.
        ConnectionError: if another worker stopped while this one trained.
        KeyboardInterrupt: if interrupted, after a checkpoint was saved.
    """
    values, output_dir = settings.values, pathlib.Path(output_dir)
    check_work_dir(output_dir, resume)
    if len(others := values["other_data"]) > 1:
        raise ValueError(
            "other_data is one data set, whose pictures get the labels of the others; "
            f"received {', '.join(others)}."
        )
    strategy = make_strategy(values["strategy"], values["devices"])
    common = {k: v for k, v in values.items() if k not in _OF_ONE_WORKER}
    check_agreement(strategy, "the settings' checksum", checksum(json.dumps(common)))
    with all_together(strategy, "load its data"):
        parts, other_parts = (
            [load_parts(source, values) for source in values[which]]
            for which in ("data", "other_data")
        )
    model, grids = train_model(settings, parts, output_dir, resume, strategy)
    if not worker_of(strategy).is_chief:
        return {}
    print("Saving the model.")
    save_model(model, output_dir / "model.keras")
    export_saved_model(model, output_dir / "saved_model")
    for name, draw in grids.items():
        save_png(output_dir / "samples" / name / "final.png", draw())
    figures = {"steps": model.global_step} | figures_of(model, parts, values)
    write_json(output_dir / "figures.json", figures)
    if other_parts and model.labels.sets[-1].kind == "categorical":
        more, grid = transfer_of(model, parts, other_parts[0], values)
        figures |= more
        write_json(output_dir / "figures.json", figures)
        save_png(output_dir / "samples" / "masks.png", grid)
    print_figures(figures)
    print(f"All is in {output_dir}; the pictures in {output_dir / 'samples'}.")
    return figures


def load_parts(source: str, values: Mapping[str, Any]) -> Parts:
    """Loads the training and the test part of a data set.

    Args:
        source: the data set, as for `load_data`.
        values: the run's settings.
    """
    return load_data(
        source,
        values["image_size"],
        values["seed"],
        values["attributes"],
        values["test_images"],
        values["skip_unreadable"],
        values["cache_dir"],
        values["select"],
        values["stream"],
    )


def make_model(settings: Settings, label_sets: Sequence[LabelSet]) -> TranslationModel:
    """Makes a compiled model, ready to be trained.

    Args:
        settings: the run's; those that are arguments of the method's constructor and of
            its `make_optimizers` are given to these.
        label_sets: the labels of each data set.

    Raises:
        ValueError: if no model can be made with these settings.
    """
    values = settings.values
    description = registry.describe(settings.method)
    names = [parameter.name for parameter in description.parameters]
    arguments = {name: values[name] for name in names if name in values}
    # StarGAN v2's paper calls its labels domains, and so does the constructor.
    labels_name = "labels" if "labels" in names else "domains"
    half = values["mixed_precision"]
    model = registry.load(settings.method)(
        **{labels_name: LabelSpace(tuple(label_sets))},
        **arguments,
        dtype="float32" if half == "none" else f"mixed_{half}",
    )

    names = [parameter.name for parameter in description.optimizer_parameters]
    rates = {name: values[name] for name in names if values.get(name) is not None}
    compile_with: dict[str, bool | str] = {"auto": "auto", "true": True, "false": False}
    model.compile(
        model.make_optimizers(**rates),
        jit_compile=compile_with[values["jit_compile"]],
        accumulate=values["accumulate"],
        recompute=values["recompute"],
    )
    return model


def training_batches(
    settings: Settings,
    image_sets: Sequence[ImageSet],
    first_step: int = 0,
    part: tuple[int, int] = WHOLE,
) -> tf.data.Dataset:
    """The batches that a run with some settings is trained on.

    Args:
        settings: the run's.
        image_sets: the training part of each data set.
        first_step: number of the first batch.
        part: which part of each batch is made, and of how many.

    Raises:
        ValueError: if the method cannot be trained on the data.
    """
    values, kind = settings.values, registry.load(settings.method).batches
    options = {"crop": values["crop"]} if kind in IMAGES_OF else {}
    size, seed = values["batch_size"], values["seed"]
    return BATCHES[kind](image_sets, size, seed, first_step, part=part, **options)


def train_model(
    settings: Settings,
    parts: Sequence[Parts],
    output_dir: pathlib.Path,
    resume: bool,
    strategy: tf.distribute.Strategy,
) -> tuple[TranslationModel, dict[str, Draw]]:
    """Trains a model in a run's folder.

    Args:
        settings: the run's.
        parts: the training and test part of each data set.
        output_dir: the run's folder. An earlier run there is moved aside.
        resume: go on with the earlier run instead.
        strategy: the strategy that the model is trained under.

    Returns:
        The model, and what draws its sample grids, by the grids' names.
    """
    train_sets, test_sets = map(list, zip(*parts, strict=True))
    batches = registry.load(settings.method).batches
    sizes = [images_in_pass(batches, part) for part in train_sets]
    schedule = Schedule.of(settings.values, sizes)
    settings, derived = settings.with_lengths(schedule.total_steps)
    schedule = Schedule.of(settings.values, sizes)
    values = settings.values
    _check_pictures(train_sets, strategy)
    keras.utils.set_random_seed(values["seed"])
    with strategy.scope():
        model = make_model(settings, [part.label_set for part in train_sets])
    worker = worker_of(strategy)
    if worker.is_chief:
        print(
            f"{sum(map(len, train_sets))} training and {sum(map(len, test_sets))} test "
            f"pictures, {schedule.total_steps} steps of {values['batch_size']}."
        )
    if derived and worker.is_chief:
        texts = (f"{name} {_text(value)}" for name, value in derived.items())
        print(
            f"Derived from {schedule.total_steps} steps: {', '.join(texts)}. A flag "
            "sets any of them; --published keeps to the paper's."
        )

    batches_from = functools.partial(
        training_batches, settings, train_sets, part=(worker.index, worker.count)
    )
    batches_from(0)  # Refuses an impossible batch size before the folder is touched.
    with all_together(strategy, f"open {output_dir}"):
        if worker.is_chief:
            output_dir = open_work_dir(output_dir, resume)
            write_config(output_dir / "run.toml", settings, derived)
    with all_together(strategy, f"find {output_dir}"):
        if not (output_dir / "run.toml").is_file():
            raise ValueError(
                f"{output_dir} is not the folder of that name that the first worker "
                "made: put the run into a folder that all workers share."
            )
    grids = sample_grids(model, test_sets) if worker.is_chief else {}
    samples = [
        SampleGrids(
            draw,
            output_dir / "samples" / name,
            values["save_every"],
            output_dir / "logs" / "samples" / name,
        )
        for name, draw in grids.items()
    ]
    train(
        model,
        batches_from,
        schedule.total_steps,
        schedule.steps_per_epoch,
        output_dir,
        {"method": settings.method} | values,
        callbacks=[
            LearningRateSchedule(model, schedule.total_steps, schedule.steps_per_pass),
            *samples,
        ],
        checkpoint_every=values["save_every"],
        resume=resume,
        begin=lambda: model.pretrain(train_sets),
        data_fault=lambda: next(
            filter(None, (getattr(part.images, "fault", None) for part in train_sets)),
            None,
        ),
    )
    return model, grids


def _check_pictures(
    image_sets: Sequence[ImageSet], strategy: tf.distribute.Strategy
) -> None:
    """Raises `ValueError` if not all workers have the same pictures."""
    if worker_of(strategy).count == 1:
        return
    # Few of them, since a streamed picture has to be decoded.
    with all_together(strategy, "read its data"):
        seen = [
            array.tobytes()
            for image_set in image_sets
            for array in (
                image_set.labels,
                image_set.images[:: len(image_set) // 8 or 1],
            )
        ]
    check_agreement(strategy, "the pictures' checksum", checksum(b"".join(seen)))


def print_figures(figures: Mapping[str, Any], indent: str = "  ") -> None:
    """Prints figures, those of a part below the part's name.

    Args:
        figures: numbers and texts by name, or parts of such.
        indent: what stands before each line.
    """
    for name, value in figures.items():
        if isinstance(value, Mapping):
            print(f"{indent}{name}:")
            print_figures(value, indent + "  ")
        else:
            print(f"{indent}{name}: {_text(value)}")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
