r"""Exports a trained model to the runtimes of servers, phones and browsers.

    keras-stargan export --model=runs/v1_rafd --output_dir=models/stargan/1
    keras-stargan export --model=runs/v1_rafd --format=onnx --output_dir=exported
    keras-stargan export --model=runs/v1_rafd --format=litert --precision=int8 \
        --output_dir=phone
    keras-stargan export --model=runs/v1_rafd --format=web --output_dir=page
    keras-stargan export --model=200000-G.ckpt --discriminator=200000-D.ckpt \
        --output_dir=models/celeba/1

A SavedModel needs neither this package nor Keras. TensorFlow Serving expects a version
number as the last folder of --output_dir. The signature translate_bytes takes PNG or
JPEG files and the name of a target, and returns PNG files; the others take and return
arrays.

ONNX, LiteRT and OpenVINO need the extra "export". The folder gets a file for each of
the model's functions and model.json, which describes them. Each file is run in its
runtime and compared with Keras. web is a page that runs the model in the browser.
"""

import pathlib
from typing import TYPE_CHECKING

from keras_stargan.cli.command import Command, Flags
from keras_stargan.cli.sizes import parse_size
from keras_stargan.export.formats import FORMATS, PRECISIONS, check_request

if TYPE_CHECKING:
    from keras_stargan.methods.base import TranslationModel

CHOICES = ("saved_model", *FORMATS, "web")


def define(flags: Flags) -> None:
    """Defines the flags."""
    flags.string(
        "model",
        None,
        "A .keras file; the folder of a run; or a checkpoint of the published code.",
    )
    flags.string(
        "discriminator",
        None,
        "If --model is the published code's 200000-G.ckpt: its 200000-D.ckpt, which "
        "guesses the labels that a picture has now.",
    )
    flags.string("output_dir", None, "Folder of the export, such as models/name/1.")
    flags.alias("output", "output_dir")
    flags.choice("format", "saved_model", CHOICES, "What runs the model.")
    flags.choice(
        "precision",
        "float32",
        PRECISIONS,
        "Of onnx, litert and openvino: float16 halves the size, int8 quarters it and "
        "is faster.",
    )
    flags.integer(
        "batch_size",
        None,
        "Pictures that onnx, litert or openvino translates at once. Default: 1 of "
        "litert, any number of the others.",
        least=1,
    )
    flags.string(
        "size",
        None,
        "Height x width of the pictures in onnx, litert or openvino, such as 96x128; "
        "of onnx and openvino also any. Default: as in training.",
    )
    flags.string(
        "representative",
        None,
        "Data with typical pictures, as train takes it (avatars:expressions, "
        "folders:PATH). int8 of onnx and openvino needs it.",
    )
    flags.boolean(
        "evaluate",
        False,
        "Also measure how well the export translates the test pictures of "
        "--representative to their labels, beside Keras. Needs the extra evaluation.",
    )
    flags.boolean("overwrite", False, "Replace an export that is there already.")


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads the model and writes the export."""
    for name in ("model", "output_dir"):
        if not getattr(flags, name):
            raise ValueError(f"Give --{name}. See --help.")
    size: tuple[int | None, int | None] | None = (None, None)
    if flags.size != "any":
        size = parse_size(flags.size, also=", or any")
    chosen = (flags.precision, flags.batch_size, size, bool(flags.representative))
    if flags.format in FORMATS:
        check_request(flags.format, *chosen)
    elif chosen != ("float32", None, None, False) or flags.evaluate:
        raise ValueError(
            f"--format={flags.format} has none of --precision, --batch_size, --size, "
            f"--representative and --evaluate; {', '.join(FORMATS)} have them."
        )
    if flags.evaluate and (size or not flags.representative):
        raise ValueError(
            "--evaluate needs pictures of the training size, and their labels: give "
            "--representative and no --size."
        )
    if pathlib.Path(flags.output_dir).exists() and not flags.overwrite:
        raise ValueError(f"{flags.output_dir} exists already; --overwrite replaces it.")
    import keras_stargan
    from keras_stargan import export

    companions = [flags.discriminator] if flags.discriminator else []
    model = keras_stargan.load_model(flags.model, *companions)
    if flags.format == "saved_model":
        if not export.export_saved_model(model, flags.output_dir):
            print(
                "There are no warmup requests in it, so the first requests to "
                "TensorFlow Serving are slow: pip install 'keras-stargan[client]' and "
                "export again to have them."
            )
    elif flags.format == "web":
        from keras_stargan.demo import write_demo

        write_demo(model, flags.output_dir)
    else:
        export_files(flags, model, size)
    print(f"Wrote {flags.output_dir}.")


def export_files(
    flags: Flags,
    model: "TranslationModel",
    size: tuple[int | None, int | None] | None,
) -> None:
    """Writes ONNX, LiteRT or OpenVINO files, and evaluates them if asked."""
    from keras_stargan.experiments.data_sources import DRAWN, load_data
    from keras_stargan.experiments.evaluation import judge_steps
    from keras_stargan.experiments.export_cost import check_evaluable, evaluate_export
    from keras_stargan.export import export_model

    if flags.evaluate:
        check_evaluable(model)
    pictures = None
    if flags.representative:
        train_set, test_set = load_data(flags.representative, model.image_size)
        pictures = train_set.images[train_set.sample_evenly(72)]
    export_model(
        model,
        flags.output_dir,
        flags.format,
        precision=flags.precision,
        batch_size=flags.batch_size,
        size=size,
        representative=pictures,
    )
    if flags.evaluate:
        steps = judge_steps(flags.representative in DRAWN)
        print(evaluate_export(model, flags.output_dir, train_set, test_set, steps))


COMMAND = Command("keras-stargan export", __doc__, define, run)
