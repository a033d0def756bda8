"""A classifier trained apart on real images, the judge of translations."""

from collections.abc import Callable

import keras
import numpy as np

from keras_stargan.data.batches.mirrored import MirroredBatches
from keras_stargan.data.image_set import ImageSet
from keras_stargan.data.streamed_images import Images
from keras_stargan.images import from_uint8
from keras_stargan.labels import LabelSet
from keras_stargan.networks.batches import in_batches


def build_classifier(
    image_size: int, label_set: LabelSet, width: int = 16, seed: int = 0
) -> keras.Model:
    """A small convolutional network from images to logits.

    Args:
        image_size: side of the square images in pixels, at least 8.
        label_set: the labels to tell apart.
        width: channels of the first convolution; they double at each halving
            of the image, up to four times as many.
        seed: for the initial weights.

    Returns:
        A model, not compiled, from float images of shape
        (n, image_size, image_size, 3) in [-1, 1] to logits (n, number of labels).

    Raises:
        ValueError: if the images are too small.
    """
    if image_size < 8:
        raise ValueError(f"image_size must be at least 8; received {image_size}.")
    seeds = keras.random.SeedGenerator(seed)

    def convolve(x, filters, **kwargs):
        x = keras.layers.Conv2D(
            filters,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=seeds),
            **kwargs,
        )(x)
        # A short memory, for statistics that have settled after few steps.
        x = keras.layers.BatchNormalization(momentum=0.9)(x)
        return keras.layers.ReLU()(x)

    x = inputs = keras.Input((image_size, image_size, 3))
    filters, size = width, image_size
    x = convolve(x, filters, kernel_size=5, strides=2)
    while (size := -(-size // 2)) > 4:
        filters = min(2 * filters, 4 * width)
        x = convolve(x, filters, kernel_size=3, strides=2)
    # Not a global average: where a mouth or an eyebrow is matters.
    x = keras.layers.Flatten()(x)
    outputs = keras.layers.Dense(
        len(label_set),
        kernel_initializer=keras.initializers.GlorotUniform(seed=seeds),
        dtype="float32",  # also under mixed precision
    )(x)
    return keras.Model(inputs, outputs, name="classifier")


def train_classifier(
    image_set: ImageSet,
    steps: int = 300,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    seed: int = 0,
    verbose: str | int = "auto",
    build: Callable[..., keras.Model] = build_classifier,
) -> keras.Model:
    """Trains a classifier on real images.

    Adam with a learning rate that falls to zero along a cosine; images are
    mirrored with probability 1/2. Weights, order and mirroring follow from the
    seed alone; no global seed is touched.

    Args:
        image_set: the training images and their labels.
        steps: number of updates.
        batch_size: images in each.
        learning_rate: at the start.
        seed: for the weights, the order of the images and the mirroring.
        verbose: 0 for silence, 1 for a progress bar, 2 for one line.
        build: `build(image_size, label_set, seed=seed)` gives the network, as
            `build_classifier` and `build_resnet18` do.

    Returns:
        The trained model, from float images in [-1, 1] to logits.
    """
    label_set = image_set.label_set
    classifier = build(image_set.images.shape[1], label_set, seed=seed)
    if label_set.kind == "categorical":
        loss = keras.losses.CategoricalCrossentropy(from_logits=True)
        metric = keras.metrics.CategoricalAccuracy(name="accuracy")
    else:
        loss = keras.losses.BinaryCrossentropy(from_logits=True)
        metric = keras.metrics.BinaryAccuracy(name="accuracy", threshold=0.0)
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    classifier.compile(keras.optimizers.Adam(schedule), loss, metrics=[metric])
    batches = MirroredBatches(
        image_set.images, image_set.labels, steps, batch_size, seed
    )
    classifier.fit(batches, shuffle=False, verbose=verbose)
    return classifier


def predict_logits(
    classifier: keras.Model, images: np.ndarray, batch_size: int = 64
) -> np.ndarray:
    """What a classifier says of images.

    Args:
        classifier: from float images in [-1, 1] to logits.
        images: shape (n, size, size, 3), n > 0, uint8, or float in [-1, 1].
        batch_size: images judged at a time.

    Returns:
        The logits, shape (n, number of labels).
    """

    def logits(batch):
        batch = from_uint8(batch) if batch.dtype == np.uint8 else batch
        return classifier.predict_on_batch(batch)

    return in_batches(logits, batch_size, images)


def classification_error(
    classifier: keras.Model,
    images: Images,
    labels: np.ndarray,
    label_set: LabelSet,
    batch_size: int = 64,
) -> float:
    """How often the classifier does not find the labels in the images.

    Args:
        classifier: from float images in [-1, 1] to logits.
        images: shape (n, size, size, 3), uint8, or float in [-1, 1].
        labels: one-hot or binary, shape (n, number of labels).
        label_set: says which of the two.
        batch_size: images judged at a time.

    Returns:
        Percent: of the images whose greatest logit is not the label's
        (categorical), or of all labels' entries that are wrong (binary).

    Raises:
        ValueError: if there are no images or not one label for each.
    """
    # Not of streamed images, which would all be decoded.
    images = images if hasattr(images, "take") else np.asarray(images)
    labels = np.asarray(labels)
    if not len(images) or labels.shape != (len(images), len(label_set)):
        raise ValueError(
            f"labels must have the shape ({len(images) or 'n > 0'}, "
            f"{len(label_set)}), a row for every image; received {labels.shape} for "
            f"{len(images)} images."
        )
    logits = predict_logits(classifier, images, batch_size)
    if label_set.kind == "categorical":
        wrong = logits.argmax(axis=1) != labels.argmax(axis=1)
    else:
        wrong = (logits > 0.0) != (labels > 0.5)
    return 100.0 * float(wrong.mean())
