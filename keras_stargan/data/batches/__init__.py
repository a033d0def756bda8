"""Batches for training: infinite datasets of dictionaries of named tensors.

A batch depends on the seed and its number alone, so that a resumed run that starts at
step k gets exactly what an unbroken run gets after k batches. All images are float32
in [-1, 1], of shape `(batch_size, size, size, 3)`.

Workers that share batches name their `part`: its number, and how many parts there
are. Each part has rows of its own (`share`), and only these rows' images are
read. All parts together are the batch that one worker makes alone.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from keras_stargan.cluster import share
from keras_stargan.data.image_set import ImageSet

# TensorFlow is imported when the first dataset is made: who only needs the names in
# `BATCHES`, to check a flag for instance, does not wait for it.
if TYPE_CHECKING:
    import tensorflow as tf


# The part that is a whole batch.
WHOLE = (0, 1)


def rows_of_part(batch_size: int, part: tuple[int, int]) -> Sequence[int] | None:
    """The numbers of the rows that a part has, see `share`; None for all rows.

    Args:
        batch_size: rows in a batch.
        part: the part's number, from 0, and how many parts there are.

    Raises:
        ValueError: if there is no such part.
    """
    number, count = part
    if not 0 <= number < count:
        raise ValueError(
            "part must be a number from 0 and how many parts there are, such as "
            f"(0, 2); received {part}."
        )
    if count == 1:
        return None
    return range(batch_size)[share(batch_size, count, number)]


def labelled_batches(
    image_sets: Sequence[ImageSet],
    batch_size: int,
    seed: int = 0,
    first_step: int = 0,
    part: tuple[int, int] = WHOLE,
) -> "tf.data.Dataset":
    """Images with their labels, of each data set in turn; see `alternating_dataset`.

    Args:
        image_sets: one or more data sets.
        batch_size: images in a batch.
        seed: decides what is drawn; in [0, 2**63).
        first_step: number of the first batch.
        part: which part of each batch is made, and of how many.

    Returns:
        A dataset of dictionaries: `images`, and `labels`, float32 of shape
        `(batch_size, LabelSpace.size)`.

    Raises:
        ValueError: as `alternating_dataset`.
    """
    from keras_stargan.data.batches.alternating import alternating_dataset

    rows = rows_of_part(batch_size, part)
    dataset = alternating_dataset(image_sets, batch_size, seed, first_step, rows=rows)
    return dataset.map(lambda images, labels: {"images": images, "labels": labels})


def reference_batches(
    image_sets: Sequence[ImageSet],
    batch_size: int,
    seed: int = 0,
    first_step: int = 0,
    part: tuple[int, int] = WHOLE,
) -> "tf.data.Dataset":
    """Images and, independently, pairs of references; see `reference_dataset`.

    Args:
        image_sets: one data set, with categorical labels: the domains.
        batch_size: images in a batch.
        seed: decides what is drawn; in [0, 2**63).
        first_step: number of the first batch.
        part: which part of each batch is made, and of how many.

    Returns:
        A dataset of dictionaries: `images` and their `domains`; `references` and
        `other_references`, which are both of the `target_domains`. Domains are int32
        of shape `(batch_size,)`.

    Raises:
        ValueError: for several data sets, or as `reference_dataset`.
    """
    from keras_stargan.data.batches.references import reference_dataset

    image_set = _only_set(image_sets)
    rows = rows_of_part(batch_size, part)
    dataset = reference_dataset(image_set, batch_size, seed, first_step, rows=rows)
    return dataset.map(
        lambda sources, references: {
            "images": sources[0],
            "domains": sources[1],
            "references": references[0],
            "other_references": references[1],
            "target_domains": references[2],
        }
    )


def unpaired_batches(
    image_sets: Sequence[ImageSet],
    batch_size: int,
    seed: int = 0,
    first_step: int = 0,
    crop: bool = True,
    part: tuple[int, int] = WHOLE,
) -> "tf.data.Dataset":
    """Images of two domains that do not belong together; see `unpaired_dataset`.

    Args:
        image_sets: one data set, with two categorical labels: the domains A and B.
        batch_size: images of each domain in a batch.
        seed: decides what is drawn; in [0, 2**63).
        first_step: number of the first batch.
        crop: as for `unpaired_dataset`.
        part: which part of each batch is made, and of how many.

    Returns:
        A dataset of dictionaries: `images_a` and `images_b`.

    Raises:
        ValueError: for several data sets, or as `unpaired_dataset`.
    """
    from keras_stargan.data.batches.unpaired import unpaired_dataset

    image_set = _only_set(image_sets)
    rows = rows_of_part(batch_size, part)
    return unpaired_dataset(
        image_set, batch_size, seed, first_step, crop=crop, rows=rows
    )


def paired_batches(
    image_sets: Sequence[ImageSet],
    batch_size: int,
    seed: int = 0,
    first_step: int = 0,
    crop: bool = True,
    part: tuple[int, int] = WHOLE,
) -> "tf.data.Dataset":
    """Images of two domains that belong together; see `paired_dataset`.

    Args:
        image_sets: one aligned data set, with two categorical labels: the domains A
            and B.
        batch_size: pairs in a batch.
        seed: decides what is drawn; in [0, 2**63).
        first_step: number of the first batch.
        crop: as for `paired_dataset`.
        part: which part of each batch is made, and of how many.

    Returns:
        A dataset of dictionaries: `images_a` and `images_b`, whose rows are pairs.

    Raises:
        ValueError: for several data sets, or as `paired_dataset`.
    """
    from keras_stargan.data.batches.paired import paired_dataset

    image_set = _only_set(image_sets)
    rows = rows_of_part(batch_size, part)
    return paired_dataset(image_set, batch_size, seed, first_step, crop=crop, rows=rows)


def unpaired_halves_batches(
    image_sets: Sequence[ImageSet],
    batch_size: int,
    seed: int = 0,
    first_step: int = 0,
    crop: bool = True,
    part: tuple[int, int] = WHOLE,
) -> "tf.data.Dataset":
    """Unpaired images of two domains, and as many others of both (DRIT's batches).

    Args:
        image_sets: as for `unpaired_batches`.
        batch_size: images of each domain in a batch, an even number. The first half
            of them are the images, the second half the random ones. They are rows of
            their own tensors so that replicas can share the batch.
        seed: decides what is drawn; in [0, 2**63).
        first_step: number of the first batch.
        crop: as for `unpaired_batches`.
        part: which part of each batch is made, and of how many.

    Returns:
        A dataset of dictionaries: `images_a`, `images_b`, `random_a` and `random_b`,
        each with `batch_size / 2` rows.

    Raises:
        ValueError: for an odd `batch_size`, or as `unpaired_batches`.
    """
    if batch_size % 2:
        raise ValueError(
            "Half of a batch is translated, the other half is only looked at: "
            f"batch_size must be even; received {batch_size}."
        )
    from keras_stargan.data.batches.unpaired import unpaired_dataset

    half = batch_size // 2
    rows = rows_of_part(half, part)
    count = half if rows is None else len(rows)
    if rows is not None:
        rows = [*rows, *(half + row for row in rows)]

    def halves(batch):
        first = {name: images[:count] for name, images in batch.items()}
        return first | {f"random_{x}": batch[f"images_{x}"][count:] for x in "ab"}

    both = unpaired_dataset(
        _only_set(image_sets), batch_size, seed, first_step, crop=crop, rows=rows
    )
    return both.map(halves)


def _only_set(image_sets: Sequence[ImageSet]) -> ImageSet:
    if len(image_sets) != 1:
        names = ", ".join(image_set.label_set.name for image_set in image_sets)
        raise ValueError(
            "This method is trained on one data set, whose labels are its domains; "
            f"received {len(image_sets)}{f' ({names})' if names else ''}."
        )
    return image_sets[0]


# How a method's batches are made, by the name in its attribute `batches`.
BATCHES: dict[str, Callable[..., "tf.data.Dataset"]] = {
    "labelled": labelled_batches,
    "references": reference_batches,
    "unpaired": unpaired_batches,
    "paired": paired_batches,
    "unpaired_halves": unpaired_halves_batches,
}
# The tensors of batches that have images only. Their images are cropped at random.
IMAGES_OF = {
    "unpaired": ("images_a", "images_b"),
    "paired": ("images_a", "images_b"),
    "unpaired_halves": ("images_a", "images_b", "random_a", "random_b"),
}


def images_in_pass(batches: str, image_set: ImageSet) -> int:
    """The number of images in one pass over a data set, as batches count them.

    Args:
        batches: how batches are made: a key of `BATCHES`.
        image_set: the data set.

    Returns:
        The number of images; where a batch has as many of each domain, that of the
        larger domain.
    """
    if batches in IMAGES_OF:
        return int(image_set.labels.sum(axis=0).max())
    return len(image_set)
