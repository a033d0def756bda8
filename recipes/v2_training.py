"""StarGAN v2 as the training recipes take it."""

import training  # isort: skip

from collections.abc import Callable

import tensorflow as tf

import keras_stargan
from keras_stargan.data import ImageSet, reference_dataset
from keras_stargan.evaluation.judges import Judges
from keras_stargan.export import export_saved_model
from keras_stargan.labels import LabelSet
from keras_stargan.methods.stargan_v2.pytorch import load_fan
from keras_stargan.use.grids import sample_grids

# The published settings, for real data (the paper's appendix).
PUBLISHED = {
    "image_size": 256,
    "base_dim": None,
    "max_dim": 512,
    "hidden_dim": 512,
    "batch_size": 8,
    "steps": 100_000,
    "ds_iter": 100_000,
    "steps_per_epoch": 1000,
    "save_every": 10,
    "learning_rate": 1e-4,
    "mapping_learning_rate": 1e-6,
    "lambda_reg": 1.0,
    "lambda_sty": 1.0,
    "lambda_ds": 1.0,
    "lambda_cyc": 1.0,
    "w_hpf": 0.0,
    "average_decay": 0.999,
}
# What two cores can train in less than half an hour, for what is drawn.
SMALL = PUBLISHED | {
    "image_size": 32,
    "base_dim": 32,
    "max_dim": 128,
    "hidden_dim": 128,
    "steps": 1200,
    "ds_iter": 1200,
    "steps_per_epoch": 200,
    "save_every": 1,
    "max_evaluated": 60,
    "learning_rate": 2e-4,
    "mapping_learning_rate": 2e-4,
    "average_decay": 0.99,
}
_NUMBERS = {
    "base_dim": "Channels of the networks' first layers (None: 2**14 / image_size).",
    "max_dim": "Channels double up to this number.",
    "hidden_dim": "Features of the mapping network's layers.",
    "ds_iter": "Steps over which lambda_ds falls to 0.",
}
_RATES = {
    "learning_rate": "Rate of all optimisers but the mapping network's.",
    "mapping_learning_rate": "The mapping network's.",
    "lambda_reg": "Weight of the R1 penalty.",
    "lambda_sty": "Weight of the style reconstruction.",
    "lambda_ds": "Weight of the diversity term at first; it falls to 0.",
    "lambda_cyc": "Weight of the cycle consistency.",
    "w_hpf": "Of the high-pass filter, which keeps the parts of faces; needs --fan. "
    "0: none.",
    "average_decay": "How much the averages of the weights keep at each step.",
}


def make_model(settings: dict, label_sets: list[LabelSet]) -> keras_stargan.StarGANv2:
    """The compiled model."""
    fan = settings["fan"]
    if bool(settings["w_hpf"]) != bool(fan):
        raise ValueError(
            "--w_hpf and --fan go together: the high-pass filter needs the landmarks "
            "of wing.ckpt, and nothing else does. Give both, or --w_hpf=0; received "
            f"--w_hpf={settings['w_hpf']:g} and --fan={fan}."
        )
    names = (
        "image_size",
        "base_dim",
        "max_dim",
        "hidden_dim",
        "lambda_reg",
        "lambda_sty",
        "lambda_ds",
        "lambda_cyc",
        "w_hpf",
        "ds_iter",
        "average_decay",
        "configuration",
        "seed",
    )
    settings = {"configuration": "F"} | settings
    model = keras_stargan.StarGANv2(
        domains=label_sets[0],
        dtype=training.dtype_policy(settings),
        **{name: settings[name] for name in names},
    )
    if fan:
        load_fan(model, fan)
    model.compile(
        model.make_optimizers(
            settings["learning_rate"], settings["mapping_learning_rate"]
        ),
        jit_compile=training.jit_compile(),
    )
    return model


def make_batches(
    train_sets: list[ImageSet], settings: dict
) -> Callable[[int], tf.data.Dataset]:
    """The batches from a step on."""
    return lambda step: reference_dataset(
        train_sets[0], settings["batch_size"], settings["seed"], step
    )


def figures(
    model: keras_stargan.StarGANv2, parts: list[training.Parts], settings: dict
) -> dict:
    """The networks' sizes, what a classifier of real pictures says, and diversity."""
    train_set, test_set = parts[0]
    count = settings["max_evaluated"]
    if count is not None:
        test_set = test_set.subset(test_set.sample_evenly(count))
    judges = Judges().with_classifier(train_set, settings["seed"])
    print("Translating pictures never seen in training.")
    sizes = {
        f"{network.name}_parameters": network.count_params()
        for network in (
            model.generator,
            model.mapping_network,
            model.style_encoder,
            model.discriminator,
        )
    }
    return sizes | judges.figures(
        model,
        test_set,
        train_set,
        seed=settings["seed"],
        cache_dir=settings["cache_dir"],
    )


METHOD = training.Method(
    numbers=_NUMBERS,
    rates=_RATES,
    published=PUBLISHED,
    small=SMALL,
    tiny={"base_dim": 1, "max_dim": 1, "hidden_dim": 1},
    make_model=make_model,
    make_batches=make_batches,
    make_grids=sample_grids,
    callbacks=lambda settings, steps: [],
    export=export_saved_model,
    figures=figures,
)
