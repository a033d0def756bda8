"""StarGAN v1 as the training recipes take it."""

import training  # isort: skip

from collections.abc import Callable

import tensorflow as tf

import keras_stargan
from keras_stargan.data import ImageSet, alternating_dataset
from keras_stargan.evaluation import evaluate_translations, train_classifier
from keras_stargan.export import export_saved_model
from keras_stargan.labels import LabelSet, LabelSpace
from keras_stargan.training.callbacks import LinearDecay
from keras_stargan.use.grids import sample_grids

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
    "steps": 4000,
    "steps_per_epoch": 500,
    "max_evaluated": 240,
}
_NUMBERS = {
    "conv_dim": "Channels of the networks' first layers.",
    "num_residual_blocks": "Residual blocks of the generator.",
    "num_discriminator_layers": "Layers of the discriminator.",
    "n_critic": "Discriminator updates for a generator's; each is a step.",
}
_RATES = {
    "learning_rate": "Rate of both optimisers; falls to 0 in the second half.",
    "lambda_rec": "Weight of the reconstruction loss.",
}


def make_model(settings: dict, label_sets: list[LabelSet]) -> keras_stargan.StarGAN:
    """The compiled model."""
    names = (
        "image_size",
        "conv_dim",
        "num_residual_blocks",
        "num_discriminator_layers",
        "lambda_rec",
        "n_critic",
        "seed",
    )
    model = keras_stargan.StarGAN(
        labels=LabelSpace(tuple(label_sets)),
        dtype=training.dtype_policy(settings),
        **{name: settings[name] for name in names},
    )
    model.compile(
        model.make_optimizers(settings["learning_rate"]),
        jit_compile=training.jit_compile(),
    )
    return model


def make_batches(
    train_sets: list[ImageSet], settings: dict
) -> Callable[[int], tf.data.Dataset]:
    """The batches from a step on: of each data set in turn."""
    return lambda step: alternating_dataset(
        train_sets, settings["batch_size"], settings["seed"], step
    )


def figures(
    model: keras_stargan.StarGAN, parts: list[training.Parts], settings: dict
) -> dict:
    """The networks' sizes, and each data set translated to its own labels."""
    sets = {}
    for place, (train_set, test_set) in enumerate(parts):
        print("Training the classifier that judges the translations.")
        classifier = train_classifier(train_set, seed=settings["seed"])
        print("Translating pictures never seen in training.")
        sets[test_set.label_set.name] = evaluate_translations(
            lambda x, c, place=place: model.translate(x, model.labels.unify(c, place)),
            test_set,
            classifier,
            max_images=settings["max_evaluated"],
        )
    return {
        "generator_parameters": model.generator.count_params(),
        "discriminator_parameters": model.discriminator.count_params(),
        # A single data set's figures need no name.
        **(sets if len(sets) > 1 else sets.popitem()[1]),
    }


METHOD = training.Method(
    numbers=_NUMBERS,
    rates=_RATES,
    published=PUBLISHED,
    small=SMALL,
    tiny={"conv_dim": 1},
    make_model=make_model,
    make_batches=make_batches,
    make_grids=sample_grids,
    callbacks=lambda settings, steps: [LinearDecay(settings["learning_rate"], steps)],
    export=export_saved_model,
    figures=figures,
)
