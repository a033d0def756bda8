"""What an export costs in quality: the same figures of Keras and of the export."""

from __future__ import annotations

import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np

from keras_stargan.data import ImageSet
from keras_stargan.evaluation import attribute_errors, evaluate_translations
from keras_stargan.experiments.evaluation import train_judge
from keras_stargan.export import load_export
from keras_stargan.files.whole import write_json
from keras_stargan.methods.base import TranslationModel

FIGURES = {
    "classification_error_percent": "classification error, %",
    "error_inside": "error inside",
    "error_outside": "error outside",
}


def check_evaluable(model: TranslationModel) -> None:
    """Raises `ValueError` unless a label alone guides a model."""
    if "label" not in model.guides or model.needs_own:
        raise ValueError(
            "Exports of models that a label alone guides are evaluated; "
            f"{type(model).__name__} is another one."
        )


def evaluate_export(
    model: TranslationModel,
    folder: str | os.PathLike,
    train_set: ImageSet,
    test_set: ImageSet,
    judge_steps: int,
    max_evaluated: int | None = None,
    seed: int = 0,
) -> str:
    """Measures the translations of a model, and those of its export.

    A ResNet-18, trained on the training images, judges whether the target labels show.
    The figures are also written to `evaluation.json` in the export's folder.

    Args:
        model: a model that is guided by labels.
        folder: its export, of images of the training size.
        train_set: the model's training images.
        test_set: images that it has not seen.
        judge_steps: updates of the ResNet-18's weights.
        max_evaluated: how many test images are translated; None for all.
        seed: of the ResNet-18.

    Returns:
        A table in Markdown.

    Raises:
        ValueError: if the model is not guided by labels, or knows other labels than
            the images have.
    """
    check_evaluable(model)
    label_set = test_set.label_set
    known = [(each.names, each.kind) for each in model.labels.sets]
    if (label_set.names, label_set.kind) not in known:
        raise ValueError(
            f"The model knows {', '.join(model.labels.names)}; the images have "
            f"{', '.join(label_set.names)} ({label_set.kind})."
        )
    place = known.index((label_set.names, label_set.kind))
    exported = load_export(folder)
    about = exported.description

    def translate(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        labels = model.labels.unify(labels, place)
        return exported.endpoints["translate_label"](images=images, labels=labels)[
            "translated"
        ]

    def translate_in_keras(images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        return model.translate(images, model.labels.unify(labels, place))

    judge = train_judge(train_set, judge_steps, seed)
    binary = label_set.kind == "binary"
    measure: Callable = attribute_errors if binary else evaluate_translations
    figures = {
        title: measure(function, test_set, judge, max_images=max_evaluated)
        for title, function in {
            "Keras": translate_in_keras,
            f"{about['format']}, {about['precision']}": translate,
        }.items()
    }
    write_json(pathlib.Path(folder, "evaluation.json"), figures)
    return cost_table(figures)


def cost_table(figures: dict[str, dict[str, Any]]) -> str:
    """The figures as a table in Markdown.

    Args:
        figures: by title, what `evaluate_translations` or `attribute_errors` gives.
    """
    rows = {}
    for title, found in figures.items():
        # Of attributes there are figures for each combination of them.
        nested = {
            f"{name}: error, %": each["error_percent"]
            for name, each in found.items()
            if isinstance(each, dict)
        }
        plain = {FIGURES[name]: found[name] for name in FIGURES if name in found}
        rows[title] = nested or plain
    columns = list(next(iter(rows.values())))
    lines = [["", *columns], ["---"] * (len(columns) + 1)]
    lines += [
        [title, *(f"{values[column]:.4g}" for column in columns)]
        for title, values in rows.items()
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
