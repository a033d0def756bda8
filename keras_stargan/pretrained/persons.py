"""Features that tell persons apart, learned from the persons of a training set."""

import keras
import numpy as np

from keras_stargan.data.batches.mirrored import MirroredBatches
from keras_stargan.data.image_set import ImageSet

_FORMAT = {"data_format": "channels_last"}


def person_features(
    image_size: int, width: int = 32, seed: int = 0, dtype: str = "float32"
) -> keras.Model:
    """Builds a small residual network that gives feature maps.

    Each stage halves the image, down to 12 px or less: a convolution of stride 2 and
    a residual block, with batch normalization. Smaller feature maps would say who is on
    an image, but not where its parts are.

    Args:
        image_size: height and width of the images in pixels, at least 8.
        width: channels of the first stage; they double with each stage, up to eight
            times as many.
        seed: decides the initial weights.
        dtype: of the weights and the features.

    Returns:
        A model, not compiled, from images `(n, image_size, image_size, 3)` in [-1, 1]
        to a list of the last two stages' outputs.

    Raises:
        ValueError: if the images are too small.
    """
    if image_size < 8:
        raise ValueError(f"image_size must be at least 8; received {image_size}.")
    seeds = keras.random.SeedGenerator(seed)

    # With names, so that the weights of a copy have the same paths.
    def convolve(x, filters, name, strides=1):
        x = keras.layers.Conv2D(
            filters,
            3,
            strides,
            padding="same",
            use_bias=False,
            kernel_initializer=keras.initializers.HeNormal(seed=seeds),
            dtype=dtype,
            name=f"{name}_conv",
            **_FORMAT,
        )(x)
        # A short memory, for statistics that have settled after few steps.
        return keras.layers.BatchNormalization(
            momentum=0.9, dtype=dtype, name=f"{name}_norm"
        )(x)

    def relu(x):
        return keras.layers.ReLU(dtype=dtype)(x)

    x = images = keras.Input((image_size, image_size, 3), dtype=dtype)
    stages, size, filters = [], image_size, width
    while size > 12 or len(stages) < 2:
        name = f"stage{len(stages) + 1}"
        x = relu(convolve(x, filters, f"{name}_down", strides=2))
        y = relu(convolve(x, filters, f"{name}_residual1"))
        y = convolve(y, filters, f"{name}_residual2")
        x = relu(keras.layers.Add(dtype=dtype)([x, y]))
        stages.append(x)
        size, filters = -(-size // 2), min(2 * filters, 8 * width)
    return keras.Model(images, stages[-2:], name="person_features")


def train_person_features(
    image_set: ImageSet,
    steps: int = 2000,
    batch_size: int = 32,
    learning_rate: float = 2e-3,
    width: int = 32,
    seed: int = 0,
    dtype: str = "float32",
    verbose: str | int = "auto",
) -> keras.Model:
    """Trains features from which a linear classifier tells who is on an image.

    Adam with a learning rate that falls to zero along a cosine; images are mirrored
    with probability 1/2. Images of a person with different labels teach the network to
    look at the person.

    Args:
        image_set: the training images and their `subjects`.
        steps: number of updates, 1 or more.
        batch_size: images in each.
        learning_rate: at the start.
        width: as for `person_features`.
        seed: for the weights, the order of the images and the mirroring.
        dtype: of the weights and the features.
        verbose: 0 for silence, 1 for a progress bar, 2 for one line.

    Returns:
        The trained `person_features`, without the classifier. `save("persons.keras")`
        writes it to a file.

    Raises:
        ValueError: for images of one person only.
    """
    persons, numbers = np.unique(image_set.subjects, return_inverse=True)
    if len(persons) < 2:
        raise ValueError(
            "Features that tell persons apart need images of two persons or more; "
            f"received {len(image_set)} images of {persons[0]}."
        )
    features = person_features(image_set.images.shape[1], width, seed, dtype)
    x = keras.layers.GlobalAveragePooling2D(dtype=dtype, **_FORMAT)(features.outputs[1])
    logits = keras.layers.Dense(
        len(persons),
        kernel_initializer=keras.initializers.GlorotUniform(seed=seed),
        dtype=dtype,
    )(x)
    classifier = keras.Model(features.inputs, logits, name="person_classifier")
    schedule = keras.optimizers.schedules.CosineDecay(learning_rate, steps)
    classifier.compile(
        keras.optimizers.Adam(schedule),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    batches = MirroredBatches(
        image_set.images, numbers.reshape(-1), steps, batch_size, seed
    )
    classifier.fit(batches, shuffle=False, verbose=verbose)
    return features
