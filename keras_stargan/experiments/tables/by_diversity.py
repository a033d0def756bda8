"""The tables of StarGAN v2's paper: methods with styles on the same pictures."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_stargan.data import ImageSet
from keras_stargan.evaluation import train_classifier
from keras_stargan.evaluation.by_diversity import GUIDES, mean_figures
from keras_stargan.evaluation.judges import Judges, columns
from keras_stargan.evaluation.tables import markdown, variant_table
from keras_stargan.experiments.tables.contest import Contest, Contestant, Trainings
from keras_stargan.experiments.tables.options import Options
from keras_stargan.files.whole import write_json, write_text
from keras_stargan.images import from_uint8, image_grid, save_png
from keras_stargan.methods import registry
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.stargan_v2.published import ABLATION
from keras_stargan.pretrained.feature_network import FeatureNetwork

# Of each ordered pair of domains, the images in the picture of all methods.
_SHOWN = 6
_TITLES = {"latents": "latent-guided", "references": "reference-guided"}


def contestants(train_set: ImageSet) -> list[Contestant]:
    """The methods of StarGAN v2's tables 2 and 3, a model for each pair of domains.

    Args:
        train_set: of categorical labels: the domains.
    """
    pairs = tuple(itertools.combinations(train_set.label_set.names, 2))
    return [
        Contestant("MUNIT", "munit", pairs),
        Contestant("DRIT", "drit", pairs),
        Contestant("MSGAN", "msgan", pairs),
        Contestant("StarGAN v2", "stargan_v2"),
    ]


def ablation_contestants() -> list[Contestant]:
    """The configurations of StarGAN v2's table 1; the last is StarGAN v2 itself."""
    return [
        Contestant(
            "StarGAN v2" if name == "F" else f"configuration {name}",
            variant.get("method", "stargan_v2"),
            changes=None if name == "F" else variant["changes"],
        )
        for name, variant in ABLATION.items()
    ]


def latent_table(options: Options, name: str) -> str:
    """Realism and diversity by latent codes (StarGAN v2, table 2)."""
    return _guided_table(options, name, "latents")


def reference_table(options: Options, name: str) -> str:
    """Realism and diversity by reference images (StarGAN v2, table 3)."""
    return _guided_table(options, name, "references")


def _guided_table(options: Options, name: str, guide: str) -> str:
    contests = [options.contest(source) for source in options.sources]
    entries = [
        (contest, options.chosen(contestants(contest.parts[0]))) for contest in contests
    ]
    trainings = Trainings(entries)
    folder = options.folder(name)
    figures: dict[str, Any] = {}
    for contest, taking_part in entries:
        _, test_set = contest.parts
        judges = _Judges(contest, options)
        found = figures[contest.source] = {"features": judges.network.name}
        pictures = {}
        for contestant in taking_part:
            models, taken = trainings.train(contest, contestant)
            measured = judges.measured(contestant.title, models, taken, test_set)
            found.pop("real", None)  # The last row of the table.
            found[contestant.title] = taken | {guide: measured[guide]}
            found["real"] = {guide: measured["real"]}
            pictures[contestant.title] = _pictures(models, test_set, guide)
            write_json(folder / "figures.json", figures)
            keras.backend.clear_session()
        file = f"side_by_side_{contest.folder.name}.png"
        save_png(folder / file, _side_by_side(pictures, test_set, guide))
    text = _guided_text(figures, guide)
    write_text(folder / "table.md", text)
    return text


def ablation_table(options: Options, name: str) -> str:
    """What each part of StarGAN v2 contributes (StarGAN v2, table 1)."""
    contest = options.contest(options.sources[0])
    _, test_set = contest.parts
    rows = dict(zip(ABLATION, ablation_contestants(), strict=True))
    if options.methods:
        taking_part = [
            contestant.title for contestant in options.chosen([*rows.values()])
        ]
        rows = {key: row for key, row in rows.items() if row.title in taking_part}
    trainings = Trainings([(contest, list(rows.values()))])
    judges, folder = _Judges(contest, options), options.folder(name)
    figures, pictures = {}, {}
    for key, contestant in rows.items():
        models, taken = trainings.train(contest, contestant)
        measured = judges.measured(contestant.title, models, taken, test_set)
        guide = "latents" if "latents" in measured else "labels"
        features = {"features": judges.network.name}
        figures[key] = features | taken | {guide: measured[guide]}
        pictures[key] = _pictures(models, test_set, guide)
        write_json(folder / "figures.json", figures)
        keras.backend.clear_session()
    save_png(folder / "side_by_side.png", _side_by_side(pictures, test_set, "latents"))
    text = (
        f"{variant_table(figures, ABLATION)}\n{contest.source}, by latent codes (A and "
        f"B: by labels, one translation). Published: CelebA-HQ, 256 px.\n"
    )
    write_text(folder / "table.md", text)
    return text


class _Judges:
    """The networks that measure all methods on a data set."""

    def __init__(self, contest: Contest, options: Options) -> None:
        self.contest, self.options = contest, options
        self.train_set, _ = contest.parts
        given = Judges.load(options.inception, options.lpips)
        file = contest.folder / "domain_classifier.keras"
        if file.is_file():
            self.classifier = keras.saving.load_model(file, compile=False)
        else:
            print(f"Training the classifier that judges on {contest.source}.")
            self.classifier = train_classifier(self.train_set, seed=contest.seed)
            contest.folder.mkdir(parents=True, exist_ok=True)
            self.classifier.save(file)
        self.lpips = given.lpips
        self.network = given.network or FeatureNetwork.of_classifier(
            "a classifier of the domains", self.classifier
        )

    def measured(
        self,
        title: str,
        models: Sequence[TranslationModel],
        taken: Mapping[str, Any],
        test_set: ImageSet,
    ) -> dict[str, Any]:
        """Means over all ordered pairs of domains, by guide; kept in a file.

        Args:
            title: the method's.
            models: its models.
            taken: what their training took.
            test_set: the images to translate.
        """
        path = self.contest.folder / title / "figures.json"
        judged = {
            "features": self.network.name,
            "lpips": self.lpips is not None,
            "max_evaluated": self.options.max_evaluated,
            "steps": taken["steps"],
        }
        earlier = json.loads(path.read_text()) if path.is_file() else {}
        if earlier.get("judged") == judged:
            return earlier["figures"]
        print(f"Translating with {title}.")
        by_guide: dict[str, dict[str, Any]] = {}
        names = self.train_set.label_set.names
        for model in models:
            domains = model.labels.names
            test_part, train_part = (
                part.select(domains) for part in (test_set, self.train_set)
            )
            if (count := self.options.max_evaluated) is not None:
                test_part = test_part.subset(test_part.sample_evenly(count))
            indices = [names.index(domain) for domain in domains]
            logits = keras.ops.take(self.classifier.output, indices, axis=1)
            classifier = keras.Model(self.classifier.input, logits)
            found = Judges(self.network, self.lpips, classifier).figures(
                model,
                test_part,
                train_part,
                seed=self.contest.seed,
                cache_dir=self.contest.given.get("cache_dir"),
            )
            for guide in GUIDES.values():
                if guide in found:
                    by_guide.setdefault(guide, {}).update(found[guide]["pairs"])
            by_guide.setdefault("real", {}).update(found["real"]["domains"])
        figures = {guide: mean_figures(by_pair) for guide, by_pair in by_guide.items()}
        write_json(path, {"judged": judged, "figures": figures})
        return figures


# Pictures.


def _shown(test_set: ImageSet) -> list[tuple[int, int]]:
    """Sources and references: images of each ordered pair of domains in turn."""
    domains = test_set.labels.argmax(axis=1)
    pairs = list(itertools.permutations(range(len(test_set.label_set)), 2))
    chosen = []
    for i in range(_SHOWN):
        source, target = pairs[i % len(pairs)]
        sources, references = (
            np.flatnonzero(domains == domain) for domain in (source, target)
        )
        place = 1 + i // len(pairs)
        chosen.append(
            (sources[3 * place % len(sources)], references[7 * place % len(references)])
        )
    return chosen


def _pictures(
    models: Sequence[TranslationModel], test_set: ImageSet, guide: str
) -> np.ndarray:
    """The shown images in the style of their reference, or of two latent codes."""
    names, domains = test_set.label_set.names, test_set.labels.argmax(axis=1)
    rows = []
    for source, reference in _shown(test_set):
        target = names[domains[reference]]
        wanted = {names[domains[source]], target}
        model = next(each for each in models if wanted <= set(each.labels.names))
        image = from_uint8(test_set.images[[source]])
        if guide == "references":
            style = from_uint8(test_set.images[[reference]])
            rows.append(model.translate(image, target, references=style))
        elif "latent" in model.guides:
            both = [model.translate(image, target, seed=seed) for seed in (0, 1)]
            rows.append(np.concatenate(both))
        else:
            rows.append(model.translate(image, target))
    return np.stack(rows, axis=1)


def _side_by_side(
    pictures: Mapping[str, np.ndarray], test_set: ImageSet, guide: str
) -> np.ndarray:
    """A grid: sources, references if there are, and rows for every method."""
    sources, references = zip(*_shown(test_set), strict=True)
    names, domains = test_set.label_set.names, test_set.labels.argmax(axis=1)
    lines: list[Any] = [from_uint8(test_set.images[list(sources)])]
    titles = ["source"]
    if guide == "references":
        lines.append(from_uint8(test_set.images[list(references)]))
        titles.append("reference")
    for title, rows in pictures.items():
        lines += list(rows)
        titles += [title, *[f"{title}, other latent"] * (len(rows) - 1)]
    return image_grid(
        lines, [f"to {names[domains[row]]}" for row in references], titles
    )


# Texts.


def _guided_text(figures: Mapping[str, Mapping[str, Any]], guide: str) -> str:
    published = registry.published_figures(_TITLES[guide])
    first = next(iter(figures.values()))
    named = columns(next(each for each in first.values() if isinstance(each, dict)))
    lines = [
        [
            "method",
            "CelebA-HQ: FID, LPIPS (published)",
            "AFHQ: FID, LPIPS (published)",
            "data",
            *named,
            "parameters",
            "steps of a model",
            "seconds of training",
        ]
    ]
    for source, found in figures.items():
        for method, each in found.items():
            if not isinstance(each, Mapping):
                continue
            of_paper = published.get(method, ("", ""))
            texts = [_number(each[guide].get(column)) for column in named.values()]
            taken = [each.get("parameters", ""), *_taken(each)]
            title = "test pictures themselves" if method == "real" else method
            lines.append([title, *of_paper, source, *texts, *taken])
    return (
        f"{markdown(lines)}\n\nPublished: 256 px; those with a dagger were written "
        f"down from memory. Means over the ordered pairs of "
        f"domains. {_explained(first)}\n"
    )


def _explained(figures: Mapping[str, Any]) -> str:
    return (
        f"Ours in the features of {figures['features']}: figures in the features of a "
        "classifier take the places of FID and LPIPS, and can be compared only with "
        "each other."
        if "Inception" not in figures["features"]
        else f"Ours in the features of {figures['features']}."
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def _taken(figures: Mapping[str, Any]) -> list[str]:
    seconds = figures.get("seconds")
    steps = figures.get("steps", "")
    return [str(steps), "" if seconds is None else f"{seconds:.0f}"]
