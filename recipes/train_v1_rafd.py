"""Trains StarGAN on facial expressions: RaFD's, or avatars drawn on this machine.

With --data_dir it reads the Radboud Faces Database, its files as they are handed out
(Rafd090_01_Caucasian_female_angry_frontal.jpg) or one folder for each expression, and
the defaults are the paper's. Without, it draws avatars with the same eight
expressions, and the defaults are small enough for two cores and no GPU.

--work_dir gets samples/ (grids: a person, then each expression), checkpoints/, logs/
(for TensorBoard), history.csv, and at the end model.keras, saved_model/ (for
TensorFlow Serving) and figures.json.
"""

import os
import sys

# Before TensorFlow starts: oneDNN's convolutions are faster than TensorFlow's own,
# also on CPUs for which it is off by default (benchmarks/README.md).
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
from absl import app, flags

import keras_stargan
from keras_stargan.data import load_avatars, load_rafd, training_dataset
from keras_stargan.data.rafd import EXPRESSIONS
from keras_stargan.evaluation import evaluate_translations, train_classifier
from keras_stargan.export import export_saved_model
from keras_stargan.images import save_png, translation_grid
from keras_stargan.training.callbacks import LinearDecay, SampleGrids
from keras_stargan.training.checkpoints import save_model
from keras_stargan.training.runs import (
    open_work_dir,
    saved_settings,
    train,
    write_json,
)
from keras_stargan.training.strategies import make_strategy

# With --data_dir: the paper (section 5.1 and appendix). An epoch is one pass.
RAFD = {
    "image_size": 128,
    "conv_dim": 64,
    "num_residual_blocks": 6,
    "num_discriminator_layers": 6,
    "batch_size": 16,
    "learning_rate": 1e-4,
    "n_critic": 5,
    "lambda_rec": 10.0,
    "epochs": 200,
    "steps": None,
    "steps_per_epoch": None,
    "save_every": 10,
    "max_evaluated": None,
}
# Without: what two cores can train in a few minutes.
AVATARS = {
    "image_size": 48,
    "conv_dim": 24,
    "num_residual_blocks": 3,
    "num_discriminator_layers": 4,
    "batch_size": 8,
    "learning_rate": 4e-4,
    "n_critic": 3,
    "lambda_rec": 10.0,
    "epochs": None,
    "steps": 4000,
    "steps_per_epoch": 500,
    "save_every": 1,
    "max_evaluated": 240,
}


# Kept with a run besides those.
OTHERS = ("data_dir", "seed", "strategy", "devices", "mixed_precision")


def default(name: str, text: str) -> str:
    """A flag's help, with both defaults."""
    return f"{text} Default: {RAFD[name]} with --data_dir, {AVATARS[name]} without."


flags.DEFINE_string(
    "data_dir",
    None,
    "RaFD: a folder with its pictures, or with a folder for each expression. Without "
    "it, avatars are drawn.",
)
flags.DEFINE_string(
    "cache_dir",
    None,
    "Where drawn avatars are kept. Default: $KERAS_STARGAN_CACHE, else "
    "keras_stargan in $XDG_CACHE_HOME or ~/.cache.",
)
flags.DEFINE_string("work_dir", "runs/v1_rafd", "Folder for all that the run leaves.")
flags.DEFINE_bool(
    "resume",
    False,
    "Go on from the last checkpoint in --work_dir, "
    "with that run's settings where no flag says otherwise.",
)
flags.DEFINE_integer("seed", 0, "Of weights, data order and every draw in training.")
flags.DEFINE_integer(
    "image_size", None, default("image_size", "Side of the pictures in pixels.")
)
flags.DEFINE_integer(
    "conv_dim", None, default("conv_dim", "Channels of the networks' first layers.")
)
flags.DEFINE_integer(
    "num_residual_blocks",
    None,
    default("num_residual_blocks", "Residual blocks of the generator."),
)
flags.DEFINE_integer(
    "num_discriminator_layers",
    None,
    default("num_discriminator_layers", "Layers of the discriminator."),
)
flags.DEFINE_integer("batch_size", None, default("batch_size", "Pictures in a step."))
flags.DEFINE_integer(
    "steps", None, "Length of training in steps (updates of the discriminator)."
)
flags.DEFINE_integer(
    "epochs", None, "Length of training in passes over the data, instead of --steps."
)
flags.DEFINE_integer(
    "steps_per_epoch", None, "Steps that the progress bar calls an epoch."
)
flags.DEFINE_integer(
    "save_every",
    None,
    default("save_every", "Epochs between checkpoints and between sample grids."),
    lower_bound=1,
)
flags.DEFINE_float(
    "learning_rate",
    None,
    default("learning_rate", "Rate of both optimisers; falls to 0 in the second half."),
)
flags.DEFINE_integer(
    "n_critic", None, default("n_critic", "Discriminator updates for a generator's.")
)
flags.DEFINE_float(
    "lambda_rec", None, default("lambda_rec", "Weight of the reconstruction loss.")
)
flags.DEFINE_integer(
    "max_evaluated",
    None,
    default("max_evaluated", "Test pictures that figures.json is about (None: all)."),
)
flags.DEFINE_enum(
    "strategy",
    "one",
    ["one", "mirrored"],
    "Train on one device, or share each batch among several.",
)
flags.DEFINE_list(
    "devices",
    None,
    "Devices to train on, as GPU:0,GPU:1. Default: the first GPU, or with "
    "--strategy=mirrored all; the CPU if there is none.",
)
flags.DEFINE_enum(
    "mixed_precision",
    "none",
    ["none", "bfloat16", "float16"],
    "Compute in half precision, weights and losses staying float32.",
)
flags.DEFINE_enum(
    "jit_compile",
    "auto",
    ["auto", "true", "false"],
    "Compile losses and gradients with XLA; auto: on GPUs only.",
)
FLAGS = flags.FLAGS


def chosen_settings() -> dict:
    """The given flags, and the defaults for the rest, checked against each other."""
    settings = dict(RAFD if FLAGS.data_dir else AVATARS)
    if FLAGS.resume:
        earlier = saved_settings(FLAGS.work_dir) or {}
        settings = {name: earlier.get(name, value) for name, value in settings.items()}
    if FLAGS.steps is not None and FLAGS.epochs is not None:
        raise ValueError("Give --steps or --epochs, not both.")
    if FLAGS.steps is not None or FLAGS.epochs is not None:
        settings |= {"steps": None, "epochs": None}
    given = {name: FLAGS[name].value for name in settings}
    settings |= {name: value for name, value in given.items() if value is not None}
    for name in ("steps", "epochs", "steps_per_epoch", "batch_size", "max_evaluated"):
        if settings[name] is not None and settings[name] < 1:
            raise ValueError(f"--{name} must be at least 1; received {settings[name]}.")
    others = {name: FLAGS[name].value for name in OTHERS}
    if FLAGS.resume:
        others |= {
            name: earlier[name]
            for name in OTHERS
            if name in earlier and not FLAGS[name].present
        }
    return settings | others


def load_data(settings: dict):
    """The training and the test part."""
    size = settings["image_size"]
    if settings["data_dir"]:
        print(f"Data: RaFD in {settings['data_dir']}.")
        return load_rafd(settings["data_dir"], size, seed=settings["seed"])
    print(
        "Data: no --data_dir was given, so avatars are drawn on this machine, "
        "people with RaFD's eight expressions."
    )
    return load_avatars("expressions", size, cache_dir=FLAGS.cache_dir)


def make_model(settings: dict) -> keras_stargan.StarGAN:
    """The compiled model."""
    half = settings["mixed_precision"]
    model = keras_stargan.StarGAN(
        num_labels=len(EXPRESSIONS),
        dtype="float32" if half == "none" else f"mixed_{half}",
        **{
            name: settings[name]
            for name in (
                "image_size",
                "conv_dim",
                "num_residual_blocks",
                "num_discriminator_layers",
                "lambda_rec",
                "n_critic",
                "seed",
            )
        },
    )
    rate = settings["learning_rate"]
    model.compile(
        keras_stargan.Adam(rate),
        keras_stargan.Adam(rate),
        jit_compile={"auto": "auto", "true": True, "false": False}[FLAGS.jit_compile],
    )
    return model


def main(argv: list[str]) -> None:
    """Loads the data, trains, evaluates and exports."""
    if argv[1:]:
        raise ValueError(f"Not a flag: {' '.join(argv[1:])}. See --help.")
    settings = chosen_settings()
    # Whatever can be wrong with flags and data is found before a run is touched.
    keras.utils.set_random_seed(settings["seed"])
    with make_strategy(settings["strategy"], settings["devices"]).scope():
        model = make_model(settings)
    train_set, test_set = load_data(settings)

    batch_size = settings["batch_size"]
    one_pass = max(1, len(train_set) // batch_size)
    steps_per_epoch = settings["steps_per_epoch"] or one_pass
    total_steps = settings["steps"] or settings["epochs"] * one_pass
    print(
        f"{len(train_set)} training and {len(test_set)} test pictures, "
        f"{total_steps} steps of {batch_size}."
    )
    samples = test_set.subset(test_set.spread(8))

    def draw_samples():
        return translation_grid(
            model.translate, samples.images, samples.label_set, samples.labels
        )

    def batches_from(step):
        return training_dataset(train_set, batch_size, settings["seed"], step)

    batches_from(0)  # Refuses an impossible batch size.
    work_dir = open_work_dir(FLAGS.work_dir, FLAGS.resume)
    train(
        model,
        batches_from,
        total_steps,
        steps_per_epoch,
        work_dir,
        settings,
        callbacks=[
            LinearDecay(settings["learning_rate"], total_steps),
            SampleGrids(
                draw_samples,
                work_dir / "samples",
                settings["save_every"],
                work_dir / "logs" / "samples",
            ),
        ],
        checkpoint_every=settings["save_every"],
        resume=FLAGS.resume,
    )

    print("Saving the model.")
    save_model(model, work_dir / "model.keras")
    export_saved_model(model, work_dir / "saved_model", train_set.label_set)
    print("Training the classifier that judges the translations.")
    classifier = train_classifier(train_set, seed=settings["seed"])
    print("Translating people never seen in training.")
    figures = {
        "steps": total_steps,
        "generator_parameters": model.generator.count_params(),
        "discriminator_parameters": model.discriminator.count_params(),
    } | evaluate_translations(
        model.translate, test_set, classifier, max_images=settings["max_evaluated"]
    )
    write_json(work_dir / "figures.json", figures)
    save_png(work_dir / "samples" / "final.png", draw_samples())
    for name, value in figures.items():
        print(
            f"  {name}: {value:.4g}"
            if isinstance(value, float)
            else f"  {name}: {value}"
        )
    print(f"All is in {work_dir}; the pictures in {work_dir / 'samples'}.")


def run(argv: list[str]) -> None:
    """`main`, with what a person can mend said plainly."""
    try:
        main(argv)
    except (ValueError, OSError, FloatingPointError) as error:
        sys.exit(f"Error: {error}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    app.run(run)
