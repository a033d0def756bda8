"""Figures of translations: does the target show, and is the rest untouched."""

import math
from collections.abc import Callable, Sequence

import keras
import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.evaluation.classifier import classification_error
from keras_stargan.images import from_uint8
from keras_stargan.labels import LabelSpace, Target


def evaluate_translations(
    translate: Callable[[np.ndarray, np.ndarray], np.ndarray],
    test_set: ImageSet,
    classifier: keras.Model,
    batch_size: int = 64,
    max_images: int | None = None,
    verbose: int = 1,
    reachable: Sequence[str] | None = None,
) -> dict[str, float | int]:
    """Translates test images to every target and measures the results.

    The targets are those of `Target.each`, for categorical labels every label, the
    image's own included. Each translation is also translated back, so that every
    target costs two passes through the generator; not so of a model that cannot reach
    every label.

    Where the set is aligned, the true answer to a translation is a picture of the
    set. The errors against it count the targets that differ from the image's own
    label. A pixel is "inside" if any channel of the source and of the answer
    differ there in uint8, else "outside". "Do nothing" is the source unchanged.

    Args:
        translate: `translate(images, target_labels)`, as a model's method of
            that name: float32 images (n, size, size, 3) in [-1, 1] and labels
            (n, number of labels) to images.
        test_set: people that were never seen in training.
        classifier: from `train_classifier`, on real images.
        batch_size: translations at a time.
        max_images: translate so many source images only, spread evenly over
            labels and people, always the same; None for all.
        verbose: 0 for silence, 1 for a progress bar.
        reachable: names of the labels that images can be translated to; by default
            all.

    Returns:
        Plain numbers, ready for JSON. Errors of images are mean absolute errors
        with images in [-1, 1], over all pixels and channels of all translations.

        - `images`, `people`: source images and the different people in them.
        - `translations`: images times targets.
        - `classification_error_percent`: of the translations;
          `classification_error_real_percent`: of the source images.
        - `reconstruction_error`: of the translations back, if every label can be
          reached.
        - `error_inside`, `error_outside`: against the true answers;
          `error_inside_do_nothing`, `error_outside_do_nothing`;
          `error_inside_ratio`: error_inside / error_inside_do_nothing.
        - `changed_pixels_percent`: the share of the pixels inside.
        - `psnr_db`, `psnr_do_nothing_db`: from the mean squared error over all
          pixels, peak to peak 2.

        A figure that does not apply is left out: without true answers all from
        `error_inside` on, and a mean over no pixels or the PSNR of no error.

    Raises:
        ValueError: if `max_images` is below 1.
    """
    label_set = test_set.label_set
    sources = test_set.sample_evenly(max_images)
    own_labels = test_set.labels[sources]
    each = Target.each(LabelSpace.of(label_set))
    there_and_back = reachable is None or set(reachable) >= set(label_set.names)
    if not there_and_back:
        each = [target for target in each if target.title in reachable]
    targets = np.stack([target.resolve(own_labels) for target in each], axis=1)
    pairs = [(i, k) for i in range(len(sources)) for k in range(targets.shape[1])]

    progress = keras.utils.Progbar(len(pairs), verbose=verbose, unit_name="image")
    misclassified = rebuilt = 0.0
    truth = GroundTruthErrors()
    for start in range(0, len(pairs), batch_size):
        row, column = np.transpose(pairs[start : start + batch_size])
        indices, target, own = sources[row], targets[row, column], own_labels[row]
        source = from_uint8(test_set.images[indices])
        translated = np.asarray(translate(source, target), "float32")
        misclassified += len(row) * classification_error(
            classifier, translated, target, label_set
        )
        if there_and_back:
            back = np.asarray(translate(translated, own), "float32")
            rebuilt += np.abs(source - back).mean(axis=(1, 2, 3), dtype="float64").sum()
        differs = np.any(target != own, axis=1)
        if test_set.aligned and differs.any():
            answers = test_set.ground_truth_indices(indices[differs], target[differs])
            truth.update(
                test_set.images[indices[differs]],
                test_set.images[answers],
                translated[differs],
            )
        progress.add(len(row))

    figures = {
        "images": len(sources),
        "people": len(np.unique(test_set.subjects[sources])),
        "translations": len(pairs),
        "classification_error_percent": misclassified / len(pairs),
        "classification_error_real_percent": classification_error(
            classifier, test_set.images[sources], own_labels, label_set
        ),
    }
    if there_and_back:
        figures["reconstruction_error"] = float(rebuilt) / len(pairs)
    return figures | truth.result()


class GroundTruthErrors:
    """Sums, over batches, of translations' errors against their true answers."""

    def __init__(self):
        self._inside = self._outside = 0  # numbers of values
        # Sums of |error| inside, |error| outside, squared error everywhere.
        self._translated = np.zeros(3)
        self._unchanged = np.zeros(3)

    def update(
        self, sources: np.ndarray, answers: np.ndarray, translated: np.ndarray
    ) -> None:
        """Adds a batch: uint8 sources and answers, translations in [-1, 1]."""
        changed = np.any(sources != answers, axis=-1)
        channels = answers.shape[-1]
        self._inside += channels * int(changed.sum())
        self._outside += channels * int((~changed).sum())
        answers = from_uint8(answers)
        for sums, images in (
            (self._translated, translated),
            (self._unchanged, from_uint8(sources)),
        ):
            error = np.abs(images - answers).astype("float64")
            sums += error[changed].sum(), error[~changed].sum(), (error**2).sum()

    def result(self) -> dict[str, float]:
        """The figures, without those for which there was nothing to measure."""
        values = self._inside + self._outside

        def mean(total, count):
            return float(total / count) if count else None

        def psnr(total):
            # Peak to peak 2: 4 / mse.
            return 10 * math.log10(4 * values / total) if total else None

        inside, outside, squares = self._translated
        inside_unchanged, outside_unchanged, squares_unchanged = self._unchanged
        figures = {
            "error_inside": mean(inside, self._inside),
            "error_outside": mean(outside, self._outside),
            "error_inside_do_nothing": mean(inside_unchanged, self._inside),
            "error_outside_do_nothing": mean(outside_unchanged, self._outside),
            "error_inside_ratio": mean(inside, inside_unchanged),
            "changed_pixels_percent": mean(100 * self._inside, values),
            "psnr_db": psnr(squares),
            "psnr_do_nothing_db": psnr(squares_unchanged),
        }
        return {name: value for name, value in figures.items() if value is not None}
