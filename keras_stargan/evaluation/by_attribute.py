"""Errors of attributes, single and several at once, as the paper groups them."""

import itertools
from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.evaluation.classifier import predict_logits
from keras_stargan.images import from_uint8
from keras_stargan.labels import LabelSet, LabelSpace, Target

# The paper's letters (section 5.3); G and A are these attributes of CelebA's.
_LETTERS = {"Male": "G", "Young": "A"}

# Of more groups, all combinations would be too many.
_COMBINED = 4


def attribute_groups(label_set: LabelSet) -> dict[str, tuple[str, ...]]:
    """What of binary labels can be changed by itself, under short names.

    Args:
        label_set: of binary labels.

    Returns:
        For each exclusive group and each other label its names, in order. Groups
        of hair colours are called H, Male G (gender), Young A (age), as in the
        paper; other groups by their names with / between, other labels by theirs.

    Raises:
        ValueError: if the labels are categorical.

    Example:
        >>> hair = ("Black_Hair", "Blond_Hair")
        >>> attribute_groups(LabelSet((*hair, "Male"), "binary", exclusive=(hair,)))
        {'H': ('Black_Hair', 'Blond_Hair'), 'G': ('Male',)}
    """
    if label_set.kind != "binary":
        raise ValueError(
            "Attributes are binary labels; received categorical ones: "
            f"{', '.join(label_set.names)}."
        )
    groups = {}
    for name in label_set.names:
        group = label_set.group(name) or (name,)
        if len(group) > 1 and all(other.endswith("_Hair") for other in group):
            groups["H"] = group
        else:
            groups[_LETTERS.get(name, "/".join(group))] = group
    return groups


def attribute_errors(
    translate: Callable[[np.ndarray, np.ndarray], np.ndarray],
    test_set: ImageSet,
    classifier: keras.Model,
    batch_size: int = 64,
    max_images: int | None = None,
    verbose: int = 1,
) -> dict[str, dict[str, float | int]]:
    """Changes attributes, single and several at once, and counts what does not show.

    Every test image is translated with each of the `attribute_groups` changed, each
    two, and so on; of more than four, with each changed and with all. To change a
    label that is a group by itself is to flip it; of an exclusive group, to set one
    of the labels that the image does not have and to clear the others, each such
    label in turn (of three hair colours, an image gets both that it does not have).

    What shows in an image is what the classifier sees there: labels with a logit
    above 0, of an exclusive group only the greatest.

    Args:
        translate: `translate(images, target_labels)`, as a model's method of
            that name: float32 images (n, size, size, 3) in [-1, 1] and labels
            (n, number of labels) to images.
        test_set: people that were never seen in training; their labels binary.
        classifier: from `train_classifier`, on real images.
        batch_size: translations at a time.
        max_images: translate so many source images only, spread evenly over
            labels and people, always the same; None for all.
        verbose: 0 for silence, 1 for a progress bar.

    Returns:
        For each combination, as `H` or `H+G`, plain numbers, ready for JSON:

        - `translations`: how many.
        - `error_percent`: of the translations, those of which any label of the
          combination does not show as it should.
        - `others_error_percent`: those of which any other label is not seen as
          the source has it.
        - `error_real_percent`: of the source images, those of which the classifier
          does not see the combination's labels as they are.

        An error that does not apply is left out: without translations, or without
        other labels.

    Raises:
        ValueError: for categorical labels, or if `max_images` is below 1.
    """
    label_set = test_set.label_set
    groups = attribute_groups(label_set)
    sources = test_set.sample_evenly(max_images)
    own = test_set.labels[sources]

    def wrong(images, labels):
        seen = LabelSpace.of(label_set).from_logits(
            predict_logits(classifier, images, batch_size)
        )
        return seen != labels

    wrong_real = wrong(test_set.images[sources], own)
    changes = attribute_changes(label_set, own)
    total = sum(len(rows) for rows, _ in changes.values())
    progress = keras.utils.Progbar(total, verbose=verbose, unit_name="image")
    errors = {}
    for combination, (rows, targets) in changes.items():
        asked = np.zeros(len(label_set), bool)
        for name in itertools.chain(*(groups[name] for name in combination)):
            asked[label_set.index(name)] = True
        entries = np.zeros((len(rows), len(label_set)), bool)
        for start in range(0, len(rows), batch_size):
            batch = slice(start, start + batch_size)
            source = from_uint8(test_set.images[sources[rows[batch]]])
            translated = np.asarray(translate(source, targets[batch]), "float32")
            entries[batch] = wrong(translated, targets[batch])
            progress.add(len(translated))
        found = {
            "error_percent": entries[:, asked],
            "others_error_percent": entries[:, ~asked],
            "error_real_percent": wrong_real[:, asked],
        }
        errors["+".join(combination)] = {"translations": len(rows)} | {
            name: 100.0 * float(wrong.any(axis=1).mean())
            for name, wrong in found.items()
            if wrong.size
        }
    return errors


def attribute_changes(
    label_set: LabelSet, own: np.ndarray
) -> dict[tuple[str, ...], tuple[np.ndarray, np.ndarray]]:
    """The translations of a table of attributes, as `attribute_errors` makes them.

    Args:
        label_set: of binary labels.
        own: the images' labels, `(n, len(label_set))`.

    Returns:
        For each combination of groups, as `("H", "G")`, the indices of the images that
        are translated, `(m,)`, and their target labels, `(m, len(label_set))`.

    Raises:
        ValueError: if the labels are categorical.
    """
    groups = attribute_groups(label_set)
    return {
        names: _changes(label_set, own, [groups[name] for name in names])
        for names in _combinations(tuple(groups))
    }


def _combinations(groups: tuple[str, ...]) -> list[tuple[str, ...]]:
    """The groups' names, by one, by two, and so on; or by one and all at once."""
    sizes = range(1, len(groups) + 1)
    if len(groups) > _COMBINED:
        sizes = (1, len(groups))
    return [c for size in sizes for c in itertools.combinations(groups, size)]


def _changes(
    label_set: LabelSet, own: np.ndarray, groups: Sequence[Sequence[str]]
) -> tuple[np.ndarray, np.ndarray]:
    """Which images get which target labels, when all groups are to change."""
    rows, targets = [], []
    for names in itertools.product(*groups):
        chosen = Target.chosen(LabelSpace.of(label_set), names).resolve(own)
        indices = [label_set.index(name) for name in names]
        # Not where an image has this one of an exclusive group already.
        changed = np.flatnonzero((chosen != own)[:, indices].all(axis=1))
        rows.append(changed)
        targets.append(chosen[changed])
    return np.concatenate(rows), np.concatenate(targets)
