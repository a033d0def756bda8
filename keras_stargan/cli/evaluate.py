"""Evaluates trained models as their papers do."""

from collections.abc import Callable

from keras_stargan.cli.command import Command, Flags
from keras_stargan.experiments.settings import COMMON

BY = ("guide", "labels", "diversity")
_OF_LABELS = (
    """\
    keras-stargan evaluate --model=runs/v1_rafd
    keras-stargan evaluate --model=runs/v1_rafd --model=runs/longer
    keras-stargan evaluate --model=200000-G.ckpt --data=celeba:CelebA
""",
    """\
A label-guided model (StarGAN) is judged by a ResNet-18 that is trained from scratch on
the training part of the model's data: is the target expression there; do the attributes
show, one changed or several at once (H hair color, G gender, A age: H, G, A, H+G, H+A,
G+A, H+G+A). Models of the same data, size and split are rows of one table. --output_dir
gets table.md, figures.json and, with --pictures, translations as `keras-stargan study`
takes them.
""",
)
_OF_DIVERSITY = (
    """\
    keras-stargan evaluate --model=runs/v2_afhq --inception=inception_v3.pth \\
        --lpips=alexnet.pth
""",
    """\
A model with styles (StarGAN v2) translates each test picture ten times to every other
domain, by latent codes and by random references. FID and KID compare the translations
with the training pictures of the domain, LPIPS compares the ten with each other; all
are means over the pairs of domains. Without --inception and --lpips, the features of a
classifier that is trained on the spot take their place: figures to compare runs on one
data set with, which are neither FID nor LPIPS. --output_dir gets table.md and
figures.json.
""",
)
_BY = "--by=diversity measures a label-guided model in the second way.\n"


def _text(*parts: tuple[str, str], more: str = "") -> str:
    """The help of a program that does some of the evaluations: examples, then prose."""
    examples, prose = zip(*parts, strict=True)
    title, last = __doc__, "On real data this is work for a GPU."
    return "\n".join([f"{title}\n", "".join(examples), *prose, f"{more}{last}"])


def _define_model(flags: Flags, default: str | None) -> None:
    flags.repeated(
        "model",
        [default] if default else [],
        "The folder of a run; a .keras file; or a checkpoint of the published code. "
        "Repeat the flag for more models.",
    )
    flags.repeated(
        "data",
        [],
        "The data set that the model was trained on: rafd:FOLDER, folders:FOLDER, "
        "pairs:FOLDER, celeba:FOLDER, csv:FILE, tfds:NAME or avatars:expressions. For "
        "a model of several data sets repeat the flag, in the order of their labels. "
        "Default: that of the run; a model that is not in a run's folder has none.",
    )
    flags.integer("max_evaluated", None, "Translate so many test pictures only.", 1)
    flags.integer("seed", 0, "Seed of what is drawn and trained for the evaluation.")
    flags.string("output_dir", None, "Default: evaluation beside the first model.")
    flags.alias("output", "output_dir")
    flags.boolean("overwrite", False, "Replace an evaluation that is there already.")
    flags.string("cache_dir", None, COMMON["cache_dir"].help)


def _define_labels(flags: Flags) -> None:
    flags.words(
        "attributes",
        None,
        "Which attributes of --data. Default: those of the run, else of the data set.",
    )
    flags.integer(
        "test_images",
        None,
        "How many pictures of CelebA or TensorFlow Datasets are the test part. "
        "Default: as in the run, else 2000 of CelebA.",
        1,
    )
    flags.integer(
        "classifier_steps",
        None,
        "Updates of the ResNet-18. Default: 3000, of drawn pictures 300.",
        1,
    )
    flags.integer("classifier_batch_size", 32, "Pictures in each of them.", 1)
    flags.integer(
        "pictures", 0, "Write the translations of so many test pictures as files.", 0
    )


def define_judges(flags: Flags) -> None:
    """Defines the flags that name the networks of FID, KID and LPIPS."""
    flags.string(
        "inception",
        None,
        "Inception-v3 for FID and KID: a file of torchvision's weights, which the "
        "published code takes, or of the standard FID's; or imagenet, Keras' own, "
        "which are downloaded. Default: no FID.",
    )
    flags.string("lpips", None, "LPIPS: the file of torchvision's AlexNet.")


def _define_diversity(flags: Flags) -> None:
    define_judges(flags)
    flags.integer("num_translations", 10, "Of each picture to each domain.", 2)


def define(flags: Flags) -> None:
    """Defines the flags."""
    _define_model(flags, None)
    flags.choice(
        "by",
        "guide",
        BY,
        "What is measured. guide: labels of a label-guided model, diversity of others.",
    )
    _define_labels(flags)
    _define_diversity(flags)


def run(flags: Flags, inputs: list[str]) -> None:
    """Loads models and data, measures, and writes what is found."""
    _run(flags, flags.by)


def _run(flags: Flags, by: str) -> None:
    paths = flags.model
    if not paths:
        raise ValueError("Name a model by --model. See --help.")
    if len(set(paths)) < len(paths):
        raise ValueError(f"A model is named twice: {', '.join(paths)}.")
    import keras_stargan
    from keras_stargan.experiments import evaluation

    output_dir = evaluation.check_output_dir(
        flags.output_dir, paths[0], flags.overwrite
    )
    # All that can be wrong with models and data is found before any training.
    models = {path: keras_stargan.load_model(path) for path in paths}
    if by == "guide":
        guided = ["label" in model.guides for model in models.values()]
        if any(guided) != all(guided):
            raise ValueError(
                "Some of the models are guided by labels and some are not: give --by."
            )
        by = "labels" if all(guided) else "diversity"
    if by == "labels":
        text = evaluation.evaluate_labels(
            models,
            output_dir,
            flags.data,
            flags.attributes,
            flags.test_images,
            flags.classifier_steps,
            flags.classifier_batch_size,
            flags.max_evaluated,
            flags.pictures,
            flags.seed,
            flags.cache_dir,
        )
    else:
        if len(paths) > 1 or len(flags.data) > 1:
            raise ValueError(
                "Diversity is measured of one model on one data set; received the "
                f"models {', '.join(paths)}."
            )
        text = evaluation.evaluate_diversity(
            paths[0],
            models[paths[0]],
            output_dir,
            next(iter(flags.data), None),
            flags.inception,
            flags.lpips,
            flags.num_translations,
            flags.max_evaluated,
            flags.seed,
            flags.cache_dir,
        )
    print(f"\n{text}\nAll is in {output_dir}.")


COMMAND = Command(
    "keras-stargan evaluate", _text(_OF_LABELS, _OF_DIVERSITY, more=_BY), define, run
)


def _recipe(
    name: str,
    model: str,
    by: str,
    define_own: Callable[[Flags], None],
    text: tuple[str, str],
) -> Command:
    def define_all(flags: Flags) -> None:
        _define_model(flags, model)
        define_own(flags)

    def run_it(flags: Flags, inputs: list[str]) -> None:
        _run(flags, by)

    return Command(COMMAND.name, _text(text), define_all, run_it).named(name)


def of_labels(name: str) -> Command:
    """The program that evaluates label-guided models, under a recipe's name."""
    return _recipe(name, "runs/v1_rafd", "labels", _define_labels, _OF_LABELS)


def of_diversity(name: str) -> Command:
    """The program that evaluates models with styles, under a recipe's name."""
    return _recipe(name, "runs/v2_afhq", "diversity", _define_diversity, _OF_DIVERSITY)
