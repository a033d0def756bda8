"""The evaluation of StarGAN v2: do translations look real, and do they differ.

Also, where the data allows it: are they of their domain, and in the style asked for.
"""

import collections
import functools
import itertools
import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import keras
import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.evaluation.classifier import predict_logits
from keras_stargan.evaluation.features import (
    FeatureStatistics,
    image_statistics,
)
from keras_stargan.evaluation.frechet import distance_figures
from keras_stargan.images import from_uint8, to_uint8
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.methods.base import TranslationModel
from keras_stargan.pretrained.feature_network import FeatureNetwork
from keras_stargan.pretrained.lpips import LPIPS

# The names in the figures of the guides that a model may have.
GUIDES = {"label": "labels", "latent": "latents", "reference": "references"}


def evaluate_diverse_translations(
    model: TranslationModel,
    test_set: ImageSet,
    train_set: ImageSet,
    network: FeatureNetwork,
    lpips: LPIPS | None = None,
    classifier: keras.Model | None = None,
    num_translations: int = 10,
    batch_size: int = 32,
    seed: int = 0,
    cache_dir: str | os.PathLike | None = None,
    verbose: int = 1,
) -> dict[str, Any]:
    """Translates every test image many times to every other domain, and measures.

    As in StarGAN v2, appendix: for each ordered pair of domains, each test image of
    the one is translated 10 times to the other by each guide of the model: by 10
    latent codes, by 10 random test images of the other domain as references, or 10
    times alike by the label. Translations are compared with the *training* images of
    their domain.

    Neither images nor translations are kept: memory grows by the features only. The
    statistics of the training images are kept on disk for the next time.

    Args:
        model: a model of domains (one categorical label set).
        test_set: the images to translate, and the references; two at least of each
            domain.
        train_set: real images to compare with; two at least of each domain.
        network: in whose features, `load_inception` for FID and KID.
        lpips: from `load_lpips`; without, there is no `lpips` in the figures.
        classifier: of the domains, from `train_classifier` on real images; without,
            there is no `classification_error_percent`.
        num_translations: of each image to each domain, 2 or more.
        batch_size: translations at a time.
        seed: of latent codes and references. They do not depend on the batch size.
        cache_dir: where statistics of training images are kept, see `cache_folder`.
        verbose: 0 for silence, 1 for progress bars.

    Returns:
        Plain numbers, ready for JSON.

        - `features`: the name of the network.
        - `num_images`, `num_translations`: test images; translations of each to each
          domain.
        - `latents`, `references`, `labels`, as far as the model is guided so: figures
          of the translations, means over the pairs of domains; and `pairs`, the same
          of each pair, by its name such as `"cat to dog"`.
        - `real`: the figures of the test images in place of translations, to compare
          with; `domains` has the same of each domain. They are fewer images than
          there are translations, which makes a Fréchet distance greater.

        The figures of each are:

        - `fid`, `kid`, `kid_std` if `network` is Inception-v3, else
          `frechet_distance`, `kernel_distance`, `kernel_distance_std`.
        - `lpips`: mean over all pairs of the 10 translations of an image, and over
          the images.
        - `feature_distance`: in its place, the Euclidean distance in the features of
          `network`; `pixel_distance`: the mean absolute difference, with pixels from
          -1 to 1.
        - `classification_error_percent`: those that the classifier does not take for
          their domain.
        - `colours_follow_percent`, of `references` only: how often the mean colour of
          a translation is nearer to that of its own reference than to that of another
          one of the same image (chance: 50); left out if all are of one colour.

    Raises:
        ValueError: as `check_sets`, or for fewer than two translations.
    """
    if num_translations < 2:
        raise ValueError(
            f"num_translations must be 2 or more, to differ; received "
            f"{num_translations}."
        )
    check_sets(model.labels, model.image_size, test_set, train_set)
    names = model.labels.names
    test_rows = _rows_by_domain(test_set)
    real = [
        image_statistics(
            network, train_set.images, rows, batch_size, cache_dir, verbose
        )
        for rows in _rows_by_domain(train_set)
    ]
    pairs = [
        (source, target)
        for source, target in itertools.permutations(range(len(names)), 2)
        if names[target] in model.reachable
    ]
    translations = sum(len(test_rows[source]) for source, _ in pairs) * num_translations
    bar = keras.utils.Progbar(
        len(test_set) + len(model.guides) * translations,
        verbose=verbose,
        unit_name="image",
        interval=0.5,
    )

    measure = functools.partial(
        _measure, network, lpips, classifier, batch_size, seed, bar.add
    )
    figures = {
        "features": network.name,
        "num_images": len(test_set),
        "num_translations": num_translations,
    }
    if "reference" in model.guides:
        # One by one: the set may be larger than memory.
        colours = np.array([from_uint8(x).mean(axis=(0, 1)) for x in test_set.images])
        of_references = [
            _of_references(model, domain, test_set.images, rows, batch_size)
            for domain, rows in enumerate(test_rows)
        ]
    for guide in model.guides:
        # The numbers of latents and references were 0 and 1 before there were labels.
        number = {"latent": 0, "reference": 1, "label": 2}[guide]
        by_pair = {}
        for source, target in pairs:
            rng = np.random.default_rng((seed, number, source, target))
            count = len(test_rows[source])
            shape = (count, num_translations, -1)
            to_follow = None
            if guide == "reference":
                rows = test_rows[target]
                chosen = _references(len(rows), count, num_translations, rng)
                conditions = of_references[target][chosen]
                to_follow = colours[rows[chosen]].reshape(shape)
            elif guide == "latent":
                of_latents = (count * num_translations, model.latent_dim)
                latents = rng.standard_normal(of_latents, "float32")
                conditions = model.conditions(target, latents=latents, batch_size=256)
            else:
                own = None
                if model.needs_own:
                    own = test_set.labels[test_rows[source]]
                    own = own.repeat(num_translations, axis=0)
                each = count * num_translations
                conditions = model.conditions(target, count=each, own=own)
            groups = _translations(
                model,
                test_set.images,
                test_rows[source],
                conditions.reshape(shape),
                batch_size,
            )
            by_pair[f"{names[source]} to {names[target]}"] = measure(
                groups, target, real[target], to_follow
            )
        figures[GUIDES[guide]] = mean_figures(by_pair) | {"pairs": by_pair}
    by_domain = {
        name: measure(
            _real_groups(test_set.images, rows, num_translations, (seed, domain)),
            domain,
            real[domain],
        )
        for domain, (name, rows) in enumerate(zip(names, test_rows, strict=True))
    }
    figures["real"] = mean_figures(by_domain) | {"domains": by_domain}
    return figures


def check_sets(
    labels: LabelSpace, image_size: int, test_set: ImageSet, train_set: ImageSet
) -> None:
    """Raises unless a model of these labels and this size can be evaluated on sets.

    Raises:
        ValueError: as `domains_of`, for sets of other domains or of another size, or a
            domain with fewer than two images.
    """
    names = domains_of(labels).names
    for what, image_set in (("test_set", test_set), ("train_set", train_set)):
        given = image_set.label_set.names
        if given != names or image_set.images.shape[1] != image_size:
            raise ValueError(
                f"{what} must be of the model's domains {', '.join(names)} at "
                f"{image_size} px; it is of {', '.join(given)} at "
                f"{image_set.images.shape[1]} px."
            )
        for name, rows in zip(names, _rows_by_domain(image_set), strict=True):
            if len(rows) < 2:
                raise ValueError(
                    f"{what} must have two or more images of each domain; it has "
                    f"{len(rows)} of {name}."
                )


def _rows_by_domain(image_set: ImageSet) -> list[np.ndarray]:
    domains = image_set.labels.argmax(axis=1)
    return [np.flatnonzero(domains == i) for i in range(len(image_set.label_set))]


def domains_of(labels: LabelSpace) -> LabelSet:
    """The domains of a model of some labels.

    Raises:
        ValueError: if the labels are others than one categorical label set.
    """
    label_set = labels.sets[0]
    if len(labels.sets) > 1 or label_set.kind != "categorical":
        raise ValueError(
            "Diversity is measured between domains, one categorical label set; this "
            f"model knows {', '.join(labels.names)}."
        )
    return label_set


def _of_references(
    model: TranslationModel,
    target: int,
    images: np.ndarray,
    rows: np.ndarray,
    batch_size: int,
) -> np.ndarray:
    """The conditions of all images of a domain as references."""
    parts = np.split(rows, range(batch_size, len(rows), batch_size))
    return np.concatenate(
        [
            model.conditions(target, references=from_uint8(images[part]))
            for part in parts
        ]
    )


def _references(
    available: int, count: int, num_translations: int, rng: np.random.Generator
) -> np.ndarray:
    """Which references each image gets: none twice, if there are enough of them."""
    again = available < num_translations
    chosen = [rng.choice(available, num_translations, again) for _ in range(count)]
    return np.concatenate(chosen)


def _translations(
    model: TranslationModel,
    images: np.ndarray,
    rows: np.ndarray,
    conditions: np.ndarray,
    batch_size: int,
) -> Iterator[np.ndarray]:
    """All translations of a few images at a time: `(images, translations, ...)`."""
    each = conditions.shape[1]
    step = max(1, batch_size // each)
    for start in range(0, len(rows), step):
        sources = from_uint8(images[rows[start : start + step]])
        translated = model.translate(
            np.repeat(sources, each, axis=0),
            conditions=conditions[start : start + step].reshape(
                -1, conditions.shape[2]
            ),
            batch_size=batch_size,
        )
        yield translated.reshape(len(sources), each, *translated.shape[1:])


def _real_groups(
    images: np.ndarray, rows: np.ndarray, size: int, seed: tuple[int, int]
) -> Iterator[np.ndarray]:
    """Real images in random groups, about as many in each as an image's translations.

    Every image is in one group.
    """
    rows = np.random.default_rng(seed).permutation(rows)
    for group in np.array_split(rows, max(1, len(rows) // size)):
        yield from_uint8(images[group])[None]


def _measure(
    network: FeatureNetwork,
    lpips: LPIPS | None,
    classifier: keras.Model | None,
    batch_size: int,
    seed: int,
    progress: Callable[[int], None],
    groups: Iterable[np.ndarray],
    target: int,
    real: FeatureStatistics,
    to_follow: np.ndarray | None = None,
) -> dict[str, float]:
    """Figures of groups of images that are to differ, `(n, group, ...)` in [-1, 1].

    `to_follow` has the mean colours of their references, `(all n, group, 3)`.
    """
    features, colours, values = [], [], collections.defaultdict(list)
    for outputs in groups:
        flat = outputs.reshape(-1, *outputs.shape[2:])
        # As bytes, which real images are, and as the published code writes them.
        new = network.features(to_uint8(flat), batch_size)
        features.append(new)
        if to_follow is not None:
            colours.append(outputs.mean(axis=(2, 3)))
        by_group = outputs.shape[:2]
        found = {
            "feature_distance": _over_pairs(_euclidean, new.reshape(*by_group, -1)),
            "pixel_distance": _over_pairs(_absolute, outputs.reshape(*by_group, -1)),
        }
        if lpips is not None:
            embeddings = np.asarray(keras.ops.convert_to_numpy(lpips(flat)))
            embeddings = embeddings.reshape(*by_group, -1)
            found["lpips"] = _over_pairs(_squared, embeddings)
        if classifier is not None:
            taken_for = predict_logits(classifier, flat, batch_size).argmax(axis=1)
            found["classification_error_percent"] = 100.0 * (taken_for != target)
        for name, several in found.items():
            values[name].extend(several)
        progress(len(flat))
    figures = distance_figures(network, np.concatenate(features), real, seed)
    figures |= {name: float(np.mean(several)) for name, several in values.items()}
    if to_follow is not None:
        follow = _colours_follow(np.concatenate(colours), to_follow)
        if follow is not None:
            figures["colours_follow_percent"] = follow
    return figures


def _colours_follow(outputs: np.ndarray, references: np.ndarray) -> float | None:
    """How often an output is nearer in colour to its own reference than to another's.

    In percent, over all others of its group; both are `(n, group, 3)`.
    """
    distances = np.linalg.norm(outputs[:, :, None] - references[:, None], axis=-1)
    own = np.diagonal(distances, axis1=1, axis2=2)[:, :, None]
    # A reference drawn twice is no other one.
    others = np.any(references[:, :, None] != references[:, None], axis=-1)
    return 100.0 * float(np.mean((own < distances)[others])) if others.any() else None


def _over_pairs(distance: Callable, values: np.ndarray) -> np.ndarray:
    """The mean distance of all pairs in each group: `(n, group, d)` to `(n,)`."""
    pairs = itertools.combinations(range(values.shape[1]), 2)
    return np.mean(
        [distance(values[:, i] - values[:, j]) for i, j in pairs],
        axis=0,
        dtype="float64",
    )


def _euclidean(difference: np.ndarray) -> np.ndarray:
    return np.linalg.norm(difference, axis=-1)


def _absolute(difference: np.ndarray) -> np.ndarray:
    return np.abs(difference).mean(axis=-1)


def _squared(difference: np.ndarray) -> np.ndarray:
    """LPIPS of the difference of two embeddings."""
    return np.square(difference).sum(axis=-1)


def mean_figures(figures: dict[str, dict[str, float]]) -> dict[str, float]:
    """The mean of each figure over those that have it.

    Args:
        figures: figures by name, of several pairs or domains.
    """
    rows = list(figures.values())
    names = dict.fromkeys(name for row in rows for name in row)
    return {
        name: float(np.mean([row[name] for row in rows if name in row]))
        for name in names
    }
