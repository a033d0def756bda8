r"""Evaluates trained StarGANs as the paper does (section 5): a ResNet-18 judges.

    python recipes/evaluate_v1.py --model=runs/v1_rafd
    python recipes/evaluate_v1.py --model=runs/v1_rafd --model=runs/longer
    python recipes/evaluate_v1.py --model=200000-G.ckpt --data=celeba:CelebA

On the training part of each of a model's data sets a ResNet-18 is trained from scratch.
The models translate the test part, people they never saw, and the ResNet-18 judges:
is the target expression there; do the attributes show, one changed or several at once
(H hair colour, G gender, A age: H, G, A, H+G, H+A, G+A, H+G+A). Models of the same
data, size and split are rows of one table.

--output_dir gets table.md, figures.json and, with --pictures, translations as
recipes/preference_study.py takes them. Of real data, at 128 px, this is work for a GPU.
"""

import program  # isort: skip

import dataclasses
import pathlib
from collections.abc import Callable

import numpy as np
from absl import flags
from data_sources import DRAWN, load_data

import keras_stargan
from keras_stargan.data import ImageSet
from keras_stargan.evaluation import (
    attribute_errors,
    build_resnet18,
    classification_error,
    evaluate_translations,
    train_classifier,
)
from keras_stargan.evaluation.tables import label_table
from keras_stargan.files.whole import write_json
from keras_stargan.files.work_dir import settings_of_model
from keras_stargan.images import from_uint8, save_png, to_uint8
from keras_stargan.labels import LabelSpace, Target
from keras_stargan.labels.published import EXPRESSIONS
from keras_stargan.use.translation import load_model

# The paper's table 2: error in %, parameters.
PUBLISHED = {
    "DIAT": ("4.10", "52.6M x 7"),
    "CycleGAN": ("5.99", "52.6M x 14"),
    "IcGAN": ("8.07", "67.8M x 1"),
    "StarGAN": ("2.12", "53.2M x 1"),
    "real images": ("0.45", ""),
}
# Updates of the ResNet-18: on real data; on avatars, which are easier.
CLASSIFIER_STEPS = {"real": 3000, "avatars": 300}

flags.DEFINE_multi_string(
    "model",
    ["runs/v1_rafd"],
    "The folder of a run; a .keras file; or the published code's 200000-G.ckpt. Again "
    "for each further model.",
)
flags.DEFINE_multi_string(
    "data",
    [],
    "The data set that the models were trained on: rafd:FOLDER, folders:FOLDER, "
    "celeba:FOLDER, csv:FILE, tfds:NAME or avatars:expressions. Of models of several "
    "data sets, again for each, in the order of their labels. Default: that of the "
    "run; a model that is not in a run's folder has none.",
)
flags.DEFINE_list(
    "attributes",
    None,
    "Which attributes of --data. Default: those of the run, else of the data set.",
)
flags.DEFINE_integer(
    "test_images",
    None,
    "How many pictures of CelebA are the test part. Default: as in the run, else 2000.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "seed",
    0,
    "Of the ResNet-18 and, of a model that is not in a run's folder, the split.",
)
flags.DEFINE_string("output_dir", None, "Default: evaluation beside the first model.")
flags.DEFINE_bool("overwrite", False, "Replace an evaluation that is there already.")
flags.DEFINE_string(
    "cache_dir",
    None,
    "Where prepared pictures and drawn avatars are kept. Default: "
    "$KERAS_STARGAN_CACHE, else keras_stargan in $XDG_CACHE_HOME or ~/.cache.",
)
flags.DEFINE_integer(
    "classifier_steps",
    None,
    f"Updates of the ResNet-18. Default: {CLASSIFIER_STEPS['real']}, of avatars "
    f"{CLASSIFIER_STEPS['avatars']}.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "classifier_batch_size", 32, "Pictures in each of them.", lower_bound=1
)
flags.DEFINE_integer(
    "max_evaluated",
    None,
    "Translate so many test pictures only. Default: all.",
    lower_bound=1,
)
flags.DEFINE_integer(
    "pictures",
    0,
    "Write the translations of so many test pictures as files.",
    lower_bound=0,
)
FLAGS = flags.FLAGS


@dataclasses.dataclass(frozen=True)
class Data:
    """A data set, its size and its split: all that decides the pictures."""

    source: str
    image_size: int
    seed: int
    attributes: tuple[str, ...]
    test_images: int | None
    skip_unreadable: bool
    cache_dir: str | None = dataclasses.field(compare=False)

    @property
    def drawn(self) -> bool:
        """Whether they are avatars."""
        return self.source in DRAWN

    def load(self) -> tuple[ImageSet, ImageSet]:
        """The training and the test part."""
        return load_data(
            self.source,
            self.image_size,
            seed=self.seed,
            attributes=list(self.attributes),
            test_images=self.test_images,
            skip_unreadable=self.skip_unreadable,
            cache_dir=self.cache_dir,
        )


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model that takes part, with one of its data sets."""

    title: str
    model: keras_stargan.StarGAN
    place: int

    def translate(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Translates to labels of that data set."""
        return self.model.translate(images, self.model.labels.unify(labels, self.place))

    @property
    def parameters(self) -> int:
        """Of both networks, as the paper counts them."""
        networks = self.model.generator, self.model.discriminator
        return sum(network.count_params() for network in networks)


def data_of(path: str, model: keras_stargan.StarGAN) -> list[Data]:
    """The data sets of a model: its run's, or those that the flags name."""
    settings = settings_of_model(path)
    sources = FLAGS.data or settings.get("data")
    count = len(model.labels.sets)
    if not sources or len(sources) != count:
        names = ", ".join(filter(None, model.labels.set_names))
        raise ValueError(
            f"{path} was trained on {count} data set{'s' * (count > 1)} "
            f"({names or ', '.join(model.labels.names)}); received "
            f"{', '.join(sources or []) or 'none'}. Name each by --data, as "
            "--data=rafd:FOLDER; see --help."
        )
    return [data_set(source, model.image_size, settings) for source in sources]


def data_set(source: str, image_size: int, settings: dict) -> Data:
    """A data set as a run's settings and the flags say."""
    kind = source.partition(":")[0]
    # What does not matter to a data set must not tell two of them apart.
    attributes = test_images = None
    if kind in ("celeba", "csv", "tfds"):
        attributes = FLAGS.attributes or settings.get("attributes")
    if kind in ("celeba", "tfds"):
        test_images = FLAGS.test_images or settings.get("test_images")
    return Data(
        source,
        image_size,
        seed=0 if source in DRAWN else settings.get("seed", FLAGS.seed),
        attributes=tuple(attributes or ()),
        test_images=test_images,
        skip_unreadable=bool(settings.get("skip_unreadable")),
        cache_dir=FLAGS.cache_dir or settings.get("cache_dir"),
    )


def collect(paths: list[str]) -> dict[Data, list[Entry]]:
    """Each data set, with the models that are judged on it."""
    if len(set(paths)) < len(paths):
        raise ValueError(f"A model is named twice: {', '.join(paths)}.")
    tables = {}
    for path in paths:
        model = load_model(path)
        for place, data in enumerate(data_of(path, model)):
            tables.setdefault(data, []).append(Entry(path, model, place))
    return tables


def check_labels(label_set: keras_stargan.LabelSet, data: Data, entry: Entry) -> None:
    """Raises `ValueError` unless data and model have the same labels."""
    known = entry.model.labels.sets[entry.place]
    if (known.names, known.kind) != (label_set.names, label_set.kind):
        raise ValueError(
            f"{entry.title} knows {', '.join(known.names)} ({known.kind}); "
            f"{data.source} has {', '.join(label_set.names)} ({label_set.kind})."
        )


def judge(
    data: Data, entries: list[Entry], train_set: ImageSet, test_set: ImageSet
) -> dict:
    """Trains the classifier and lets it judge the models."""
    steps = FLAGS.classifier_steps
    steps = steps or CLASSIFIER_STEPS["avatars" if data.drawn else "real"]
    print(f"Training a ResNet-18 on {len(train_set)} pictures of {data.source}.")
    classifier = train_classifier(
        train_set,
        steps=steps,
        batch_size=FLAGS.classifier_batch_size,
        learning_rate=1e-3,
        seed=FLAGS.seed,
        build=build_resnet18,
    )
    label_set = test_set.label_set
    error = classification_error(
        classifier, test_set.images, test_set.labels, label_set
    )
    print(f"It is right on {100 - error:.2f} % of {len(test_set)} real test pictures.")
    evaluate: Callable = evaluate_translations
    if label_set.kind == "binary":
        evaluate = attribute_errors
    models = {}
    for entry in entries:
        print(f"Translating with {entry.title}.")
        models[entry.title] = {
            "generator_parameters": entry.model.generator.count_params(),
            "discriminator_parameters": entry.model.discriminator.count_params(),
            "parameters": f"{entry.parameters / 1e6:.1f}M x 1",
            "translations": evaluate(
                entry.translate, test_set, classifier, max_images=FLAGS.max_evaluated
            ),
        }
    return {
        "data": dataclasses.asdict(data),
        "labels": label_set.names,
        "training_pictures": len(train_set),
        "test_pictures": len(test_set),
        "classifier": {
            "network": "ResNet-18",
            "parameters": classifier.count_params(),
            "steps": steps,
            "accuracy_percent": 100 - error,
        },
        "models": models,
    }


def write_pictures(
    folder: pathlib.Path, entries: list[Entry], test_set: ImageSet
) -> None:
    """Test pictures and translations, as recipes/preference_study.py takes them."""
    chosen = test_set.sample_evenly(FLAGS.pictures)
    images, labels = test_set.images[chosen], test_set.labels[chosen]
    for index, image in zip(chosen, images, strict=True):
        save_png(folder / "inputs" / f"{index:06d}.png", image)
    for entry in entries:
        outputs = folder / entry.title.strip("./").replace("/", "_")
        for target in Target.each(LabelSpace.of(test_set.label_set)):
            targets = target.resolve(labels)
            translated = to_uint8(entry.translate(from_uint8(images), targets))
            for index, image in zip(chosen, translated, strict=True):
                save_png(outputs / target.title / f"{index:06d}.png", image)


def main(argv: list[str]) -> None:
    """Loads models and data, trains the judges, and writes what they say."""
    program.refuse_arguments(argv)
    first = pathlib.Path(FLAGS.model[0])
    beside = first if first.is_dir() else first.parent
    output_dir = pathlib.Path(FLAGS.output_dir or beside / "evaluation")
    if not FLAGS.overwrite and output_dir.is_dir() and any(output_dir.iterdir()):
        raise ValueError(
            f"{output_dir} is not empty. Name another --output_dir, or give "
            "--overwrite."
        )
    # Whatever can be wrong with models and data is found before any training.
    tables = collect(FLAGS.model)
    parts = {data: data.load() for data in tables}
    for data, entries in tables.items():
        for entry in entries:
            check_labels(parts[data][1].label_set, data, entry)

    figures, texts = [], []
    output_dir.mkdir(parents=True, exist_ok=True)
    for number, (data, entries) in enumerate(tables.items(), 1):
        train_set, test_set = parts[data]
        figures.append(judge(data, entries, train_set, test_set))
        pictures = "avatars" if data.drawn else test_set.label_set.name
        published = PUBLISHED if test_set.label_set.names == EXPRESSIONS.names else {}
        pictures = f"{pictures}, {data.image_size} px"
        texts.append(label_table(test_set.label_set, pictures, figures[-1], published))
        if FLAGS.pictures:
            name = f"{number}_{test_set.label_set.name}"
            write_pictures(output_dir / "pictures" / name, entries, test_set)
        write_json(output_dir / "figures.json", {"data_sets": figures})
        (output_dir / "table.md").write_text("\n".join(texts))
    print("", *texts, sep="\n")
    print(f"All is in {output_dir}.")


if __name__ == "__main__":
    program.run(main)
