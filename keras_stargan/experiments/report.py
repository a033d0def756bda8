"""What a run says about a trained model."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_stargan.data import ImageSet
from keras_stargan.data.streamed_images import joined
from keras_stargan.evaluation import (
    GroundTruthErrors,
    check_sets,
    classification_error,
    evaluate_translations,
    train_classifier,
)
from keras_stargan.evaluation.judges import Judges
from keras_stargan.images import from_uint8, image_grid
from keras_stargan.methods.base import TranslationModel


def figures_of(
    model: TranslationModel,
    parts: Sequence[tuple[ImageSet, ImageSet]],
    values: Mapping[str, Any],
) -> dict:
    """The networks' sizes, and how good the translations of test images are.

    Args:
        model: the trained model.
        parts: the training and test part of each data set.
        values: the run's settings: `seed`, `max_evaluated` and `cache_dir`.

    Returns:
        Figures by name; of several data sets, by the names of the data sets. Only the
        sizes, if there are too few test images of a domain to measure diversity.
    """
    sizes = {f"{name}_parameters": count for name, count in model.parameters.items()}
    if "label" not in model.guides:
        ((train_set, test_set),) = parts
        if (count := values["max_evaluated"]) is not None:
            test_set = test_set.subset(test_set.sample_evenly(count))
        try:
            check_sets(model.labels, model.image_size, test_set, train_set)
        except ValueError as error:
            # Too few pictures to measure are no reason to lose a trained model.
            print(f"There are no figures of translations: {error}")
            return sizes
        judges = Judges().with_classifier(train_set, values["seed"])
        print("Translating images never seen in training.")
        options = {"seed": values["seed"], "cache_dir": values["cache_dir"]}
        return sizes | judges.figures(model, test_set, train_set, **options)
    sets = {}
    for index, (train_set, test_set) in enumerate(parts):
        print("Training the classifier that judges the translations.")
        classifier = train_classifier(train_set, seed=values["seed"])

        def translate(images, labels, index=index):
            return model.translate(images, model.labels.unify(labels, index))

        print("Translating images never seen in training.")
        sets[test_set.label_set.name] = evaluate_translations(
            translate,
            test_set,
            classifier,
            max_images=values["max_evaluated"],
            reachable=model.reachable,
        )
    # A single data set's figures need no name.
    return sizes | (sets if len(sets) > 1 else sets.popitem()[1])


def transfer_of(
    model: TranslationModel,
    parts: Sequence[tuple[ImageSet, ImageSet]],
    other_parts: tuple[ImageSet, ImageSet],
    values: Mapping[str, Any],
) -> tuple[dict, np.ndarray]:
    """Labels on pictures that never had any: with the right mask and the wrong.

    The labels are those of the last data set that the model was trained on, which must
    be categorical; the pictures are of another data set. A classifier of real pictures
    judges: of the last data set, and where they have the same labels also of the other.

    Args:
        model: the trained model.
        parts: the training and test part of each data set.
        other_parts: those of the other data set.
        values: the run's settings: `seed` and `max_evaluated`.

    Returns:
        Figures, and a grid of translations, uint8 `(height, width, 3)`.
    """
    space = model.labels
    last = len(space.sets) - 1
    labelled, (others_train, others) = parts[last][0], other_parts
    chosen = np.arange(len(others))
    names = labelled.label_set.names
    real = labelled
    if others.label_set.names == names:
        real = _joined(labelled, others_train)
        if "neutral" in names:  # Calm faces only, where all expressions are drawn.
            chosen = np.flatnonzero(others.labels[:, names.index("neutral")])
    has_answers = others.aligned and real is not labelled
    chosen = chosen[others.subset(chosen).sample_evenly(values["max_evaluated"])]
    print("Training the classifier that judges labels on the other pictures.")
    judge = train_classifier(real, steps=600, seed=values["seed"])

    images = from_uint8(others.images[chosen])
    masks = {"no_mask": last}
    if len(space.sets) > 1:
        masks = {"right_mask": last, "wrong_mask": last - 1}
    figures: dict[str, Any] = {"images": len(images)}
    rows, titles = [], []
    shown = min(4, len(images))
    for title, mask in masks.items():
        translated, errors, truth = [], {}, GroundTruthErrors()
        for index, name in enumerate(names):
            labels = np.eye(len(names))[[index] * len(images)]
            targets = space.with_mask(space.unify(labels, last), mask)
            outputs = model.translate(images, targets)
            translated.append(outputs[:shown].copy())
            errors[name] = classification_error(
                judge, outputs, labels, labelled.label_set
            )
            if has_answers:
                answers = others.ground_truth_indices(chosen, labels)
                truth.update(others.images[chosen], others.images[answers], outputs)
        figures[title] = {
            "classification_error_percent": float(np.mean(list(errors.values()))),
            "by_expression": errors,
            **truth.result(),
        }
        for row in range(shown):
            rows.append([images[row], *(images_of[row] for images_of in translated)])
            titles.append(title.replace("_", " "))
    # Each picture's rows together.
    order = [k for row in range(shown) for k in range(row, len(rows), shown)]
    grid = image_grid(
        [rows[k] for k in order],
        column_titles=["source", *names],
        row_titles=[titles[k] for k in order],
    )
    return {"expressions_on_other_pictures": figures}, grid


def _joined(first: ImageSet, second: ImageSet) -> ImageSet:
    """The pictures of two data sets of the same labels."""
    return dataclasses.replace(
        first,
        images=joined(first.images, second.images),
        labels=np.concatenate([first.labels, second.labels]),
        subjects=np.concatenate(
            [first.subjects.astype(str), second.subjects.astype(str)]
        ),
        aligned=False,
    )
