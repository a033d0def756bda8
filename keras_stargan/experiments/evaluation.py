"""Evaluation of trained models as the papers do it, from models and data to tables."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_stargan.data import ImageSet
from keras_stargan.evaluation import (
    attribute_errors,
    build_resnet18,
    check_sets,
    classification_error,
    evaluate_translations,
    train_classifier,
)
from keras_stargan.evaluation.by_diversity import domains_of
from keras_stargan.evaluation.judges import Judges
from keras_stargan.evaluation.tables import diversity_table, label_table
from keras_stargan.experiments.data_sources import (
    DRAWN,
    WITH_ATTRIBUTES,
    WITH_TEST_IMAGES,
    complete_source,
    load_data,
)
from keras_stargan.files.picture_files import file_name
from keras_stargan.files.whole import write_json, write_text
from keras_stargan.files.work_dir import settings_of_model
from keras_stargan.images import from_uint8, save_png, to_uint8
from keras_stargan.labels import LabelSet, LabelSpace, Target
from keras_stargan.labels.published import EXPRESSIONS
from keras_stargan.methods import registry
from keras_stargan.methods.base import TranslationModel


@dataclasses.dataclass(frozen=True)
class Data:
    """A data set, its image size and its split: all that decides the images."""

    source: str
    image_size: int
    seed: int
    attributes: tuple[str, ...]
    test_images: int | None
    skip_unreadable: bool
    select: tuple[str, ...]
    cache_dir: str | None = dataclasses.field(compare=False)

    @property
    def drawn(self) -> bool:
        """Whether the images are drawn on this machine."""
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
            select=self.select,
        )


@dataclasses.dataclass(frozen=True)
class Entry:
    """A model that takes part, with the index of one of its data sets."""

    title: str
    model: TranslationModel
    index: int

    def translate(self, images: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Translates to labels of that data set."""
        return self.model.translate(images, self.model.labels.unify(labels, self.index))


def check_output_dir(
    output_dir: str | None, model: str, overwrite: bool
) -> pathlib.Path:
    """The folder of an evaluation.

    Args:
        output_dir: the folder; by default `evaluation` beside the model.
        model: the path of the first model.
        overwrite: whether the folder may hold an earlier evaluation.

    Raises:
        ValueError: if the folder is not empty and may not be overwritten.
    """
    path = pathlib.Path(model)
    beside = path if path.is_dir() else path.parent
    folder = pathlib.Path(output_dir or beside / "evaluation")
    if not overwrite and folder.is_dir() and any(folder.iterdir()):
        raise ValueError(
            f"{folder} is not empty. Name another --output_dir, or give --overwrite."
        )
    return folder


def evaluate_labels(
    models: Mapping[str, TranslationModel],
    output_dir: pathlib.Path,
    sources: Sequence[str] = (),
    attributes: Sequence[str] | None = None,
    test_images: int | None = None,
    classifier_steps: int | None = None,
    classifier_batch_size: int = 32,
    max_evaluated: int | None = None,
    pictures: int = 0,
    seed: int = 0,
    cache_dir: str | None = None,
) -> str:
    """Lets a ResNet-18 judge whether target labels show (StarGAN, section 5).

    A ResNet-18 is trained from scratch on the training part of each of the models' data
    sets, and judges the models' translations of the test part. Models of the same data,
    size and split are rows of one table.

    Args:
        models: label-guided models by their paths.
        output_dir: gets `table.md`, `figures.json` and, with `pictures`, translations
            in folders as the preference study takes them.
        sources: the data set of each label set of a model; by default those of the run
            that the model is of.
        attributes: which attributes of the data; by default those of the run.
        test_images: how many images of CelebA or of TensorFlow Datasets are the test
            part; by default as in the run.
        classifier_steps: updates of the ResNet-18; by default 3,000 on real images and
            300 on drawn ones, which are easier.
        classifier_batch_size: images in each of them.
        max_evaluated: how many test images are translated; None for all.
        pictures: translations of so many test images are written as files.
        seed: of the ResNet-18, and of the split of a model that is not of a run.
        cache_dir: where prepared and drawn images are kept.

    Returns:
        The tables in Markdown.

    Raises:
        ValueError: if models and data do not go together, before any training.
    """
    tables: dict[Data, list[Entry]] = {}
    for path, model in models.items():
        for index, data in enumerate(
            _data_of(path, model, sources, attributes, test_images, seed, cache_dir)
        ):
            tables.setdefault(data, []).append(Entry(path, model, index))
    parts = {data: data.load() for data in tables}
    for data, entries in tables.items():
        for entry in entries:
            _check_labels(parts[data][1].label_set, data, entry)
    figures, texts = [], []
    for number, (data, entries) in enumerate(tables.items(), 1):
        train_set, test_set = parts[data]
        steps = classifier_steps or judge_steps(data.drawn)
        print(f"Training a ResNet-18 on {len(train_set)} pictures of {data.source}.")
        judge = train_judge(train_set, steps, seed, classifier_batch_size)
        found = _judged(data, entries, test_set, judge, max_evaluated)
        found["classifier"]["steps"] = steps
        found["training_pictures"] = len(train_set)
        figures.append(found)
        label_set = test_set.label_set
        published = {}
        if label_set.names == EXPRESSIONS.names:
            published = registry.published_figures("classification error")
        name = "avatars" if data.drawn else label_set.name
        texts.append(
            label_table(label_set, f"{name}, {data.image_size} px", found, published)
        )
        if pictures:
            folder = output_dir / "pictures" / f"{number}_{label_set.name}"
            _write_pictures(folder, entries, test_set, pictures)
        write_json(output_dir / "figures.json", {"data_sets": figures})
        write_text(output_dir / "table.md", "\n".join(texts))
    return "\n".join(texts)


def evaluate_diversity(
    path: str,
    model: TranslationModel,
    output_dir: pathlib.Path,
    source: str | None = None,
    inception: str | None = None,
    lpips: str | None = None,
    num_translations: int = 10,
    max_evaluated: int | None = None,
    seed: int = 0,
    cache_dir: str | None = None,
) -> str:
    """Measures realism and diversity of translations (StarGAN v2, appendix).

    Args:
        path: the model's path.
        model: a model of domains.
        output_dir: gets `table.md` and `figures.json`.
        source: the data set; by default that of the run that the model is of.
        inception: as for `load_inception`, for FID and KID; without, the features of a
            classifier that is trained here.
        lpips: the file of torchvision's AlexNet, for LPIPS.
        num_translations: of each test image to each other domain.
        max_evaluated: how many test images are translated; None for all.
        seed: of latent codes and references.
        cache_dir: where prepared images and statistics are kept.

    Returns:
        The table in Markdown.

    Raises:
        ValueError: if model and data do not go together, before any training.
    """
    domains_of(model.labels)  # Before the data is read.
    sources = [source] if source else settings_of_model(path).get("data")
    if not sources:
        raise ValueError(f"{path} is not in a run's folder: name its data by --data.")
    (data,) = _data_of(path, model, sources, None, None, seed, cache_dir)
    judges = Judges.load(inception, lpips)
    train_set, test_set = data.load()
    if max_evaluated:
        test_set = test_set.subset(test_set.sample_evenly(max_evaluated))
    check_sets(model.labels, model.image_size, test_set, train_set)
    judges = judges.with_classifier(train_set, seed)
    figures = {"model": path, "data": data.source} | judges.figures(
        model,
        test_set,
        train_set,
        num_translations=num_translations,
        seed=seed,
        cache_dir=data.cache_dir,
    )
    write_json(output_dir / "figures.json", figures)
    published = registry.published_figures("published weights")
    text = diversity_table(figures, published)
    write_text(output_dir / "table.md", text)
    return text


def _data_of(
    path: str,
    model: TranslationModel,
    sources: Sequence[str],
    attributes: Sequence[str] | None,
    test_images: int | None,
    seed: int,
    cache_dir: str | None,
) -> list[Data]:
    """The data sets of a model: those that are named, or its run's."""
    settings = settings_of_model(path)
    sources = [complete_source(x) for x in sources or settings.get("data") or ()]
    count = len(model.labels.sets)
    if not sources or len(sources) != count:
        names = ", ".join(filter(None, model.labels.set_names))
        raise ValueError(
            f"{path} was trained on {count} data set{'s' * (count > 1)} "
            f"({names or ', '.join(model.labels.names)}); received "
            f"{', '.join(sources) or 'none'}. Name each by --data, as "
            "--data=rafd:FOLDER; see --help."
        )
    found = []
    for source in sources:
        kind = source.partition(":")[0]
        # What does not matter to a data set must not tell two of them apart.
        chosen, held_out = None, None
        if kind in WITH_ATTRIBUTES:
            chosen = attributes or settings.get("attributes")
        if kind in WITH_TEST_IMAGES:
            held_out = test_images or settings.get("test_images")
        found.append(
            Data(
                source,
                model.image_size,
                seed=0 if source in DRAWN else settings.get("seed", seed),
                attributes=tuple(chosen or ()),
                test_images=held_out,
                skip_unreadable=bool(settings.get("skip_unreadable")),
                select=tuple(settings.get("select") or ()),
                cache_dir=cache_dir or settings.get("cache_dir"),
            )
        )
    return found


def _check_labels(label_set: LabelSet, data: Data, entry: Entry) -> None:
    """Raises `ValueError` unless a model can be evaluated on data by its labels."""
    if entry.model.needs_own:
        raise ValueError(
            f"{entry.title} chooses a network by the picture's own domain, which this "
            "evaluation does not give; evaluate it by diversity."
        )
    known = entry.model.labels.sets[entry.index]
    if (known.names, known.kind) != (label_set.names, label_set.kind):
        raise ValueError(
            f"{entry.title} knows {', '.join(known.names)} ({known.kind}); "
            f"{data.source} has {', '.join(label_set.names)} ({label_set.kind})."
        )


def judge_steps(drawn: bool) -> int:
    """How long the ResNet-18 is trained; drawn images are easier than real ones.

    Args:
        drawn: whether the images are drawn.
    """
    return 300 if drawn else 3000


def train_judge(
    train_set: ImageSet, steps: int, seed: int, batch_size: int = 32
) -> keras.Model:
    """Trains the ResNet-18 that judges translations (StarGAN, section 5.3).

    Args:
        train_set: real images and their labels.
        steps: updates of its weights.
        seed: of the weights and the batches.
        batch_size: images in each update.
    """
    return train_classifier(
        train_set,
        steps=steps,
        batch_size=batch_size,
        learning_rate=1e-3,
        seed=seed,
        build=build_resnet18,
    )


def _judged(
    data: Data,
    entries: Sequence[Entry],
    test_set: ImageSet,
    classifier: keras.Model,
    max_evaluated: int | None,
) -> dict[str, Any]:
    """What the ResNet-18 finds of the models' translations."""
    label_set = test_set.label_set
    error = classification_error(
        classifier, test_set.images, test_set.labels, label_set
    )
    print(f"It is right on {100 - error:.2f} % of {len(test_set)} real test pictures.")
    is_binary = label_set.kind == "binary"
    evaluate: Callable = attribute_errors if is_binary else evaluate_translations
    models = {}
    for entry in entries:
        print(f"Translating with {entry.title}.")
        sizes = entry.model.parameters
        models[entry.title] = {
            **{f"{name}_parameters": count for name, count in sizes.items()},
            "parameters": entry.model.parameter_summary,
            "translations": evaluate(
                entry.translate, test_set, classifier, max_images=max_evaluated
            ),
        }
    return {
        "data": dataclasses.asdict(data),
        "labels": label_set.names,
        "test_pictures": len(test_set),
        "classifier": {
            "network": "ResNet-18",
            "parameters": classifier.count_params(),
            "accuracy_percent": 100 - error,
        },
        "models": models,
    }


def _write_pictures(
    folder: pathlib.Path, entries: Sequence[Entry], test_set: ImageSet, count: int
) -> None:
    """Test images and translations as files, as the preference study takes them."""
    chosen = test_set.sample_evenly(count)
    images, labels = test_set.images[chosen], test_set.labels[chosen]
    for number, image in zip(chosen, images, strict=True):
        save_png(folder / "inputs" / f"{number:06d}.png", image)
    for entry in entries:
        outputs = folder / entry.title.strip("./").replace("/", "_")
        for target in Target.each(LabelSpace.of(test_set.label_set)):
            if target.title not in entry.model.reachable:
                continue
            targets = target.resolve(labels)
            translated = to_uint8(entry.translate(from_uint8(images), targets))
            for number, image in zip(chosen, translated, strict=True):
                save_png(outputs / file_name(target.title) / f"{number:06d}.png", image)
