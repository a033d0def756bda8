"""The tables of StarGAN's paper: label-guided methods on the same pictures."""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from keras_stargan.data import ImageSet
from keras_stargan.evaluation import (
    GroundTruthErrors,
    attribute_groups,
    classification_error,
)
from keras_stargan.evaluation.by_attribute import attribute_changes
from keras_stargan.evaluation.tables import markdown
from keras_stargan.experiments.evaluation import judge_steps, train_judge
from keras_stargan.experiments.tables.contest import (
    Contest,
    Contestant,
    Trainings,
    composed,
)
from keras_stargan.experiments.tables.options import Options
from keras_stargan.files.picture_files import file_name
from keras_stargan.files.whole import write_json, write_text
from keras_stargan.images import from_uint8, image_grid, save_png, to_uint8
from keras_stargan.labels import LabelSet
from keras_stargan.methods import registry
from keras_stargan.methods.base import TranslationModel
from keras_stargan.pretrained.persons import train_person_features

# The paper's models of pairs know this expression and another one.
_SOURCE = "neutral"
# Inputs in the picture of all methods side by side.
_SHOWN = 3
# Inputs whose translations are laid out for the preference study.
_ASKED = 20


def expression_contestants(label_set: LabelSet) -> list[Contestant]:
    """The methods of StarGAN's table of classification errors.

    Args:
        label_set: the expressions.

    Raises:
        ValueError: if none of them is neutral.
    """
    if label_set.kind != "categorical" or _SOURCE not in label_set.names:
        raise ValueError(
            "The table of expressions needs categorical labels, one of them "
            f"{_SOURCE}; received {', '.join(label_set.names)} ({label_set.kind})."
        )
    pairs = tuple((_SOURCE, name) for name in label_set.names if name != _SOURCE)
    return _contestants(pairs, pairs)


def attribute_contestants(label_set: LabelSet) -> list[Contestant]:
    """The methods of StarGAN's tables of preferences.

    Args:
        label_set: the attributes.

    Raises:
        ValueError: if they are not binary.
    """
    by_target: list[tuple[str, str]] = []
    by_pair: list[tuple[str, str]] = []
    for names in attribute_groups(label_set).values():
        by_target += [(f"-{name}", name) for name in names]
        if len(names) > 1:
            by_pair += itertools.combinations(names, 2)
        else:
            by_target.append((names[0], f"-{names[0]}"))
            by_pair.append((f"-{names[0]}", names[0]))
    return _contestants(tuple(by_target), tuple(by_pair))


def _contestants(by_target: tuple, by_pair: tuple) -> list[Contestant]:
    return [
        Contestant("DIAT", "diat", by_target, prepare=_identity),
        Contestant("CycleGAN", "cyclegan", by_pair),
        Contestant("IcGAN", "icgan"),
        Contestant("StarGAN", "stargan"),
    ]


def _identity(contest: Contest, train_set: ImageSet) -> dict[str, str]:
    """The identity features of all DIAT models: learned once, from all persons."""
    file = contest.folder / "persons.keras"
    if not file.is_file():
        print("Training the classifier of persons that gives the identity features.")
        steps = registry.published("diat").SMALL["identity_steps"]
        features = train_person_features(
            train_set, steps if contest.drawn else 3000, seed=contest.seed
        )
        contest.folder.mkdir(parents=True, exist_ok=True)
        features.save(file)
    return {"identity": str(file)}


def expression_table(options: Options, name: str) -> str:
    """Classification errors of translated expressions (StarGAN, table 3).

    The test pictures of neutral faces are translated to each other expression. A
    ResNet-18 that is trained on the real training pictures judges.

    Args:
        options: of the command.
        name: the table's, and its folder's.

    Returns:
        The table in Markdown.
    """
    contest = options.contest(options.sources[0])
    train_set, test_set = contest.parts
    contestants = options.chosen(expression_contestants(train_set.label_set))
    trainings = Trainings([(contest, contestants)])
    folder = options.folder(name)
    label_set = test_set.label_set
    neutral = np.flatnonzero(test_set.labels[:, label_set.index(_SOURCE)])
    test_set_neutral = test_set.subset(neutral)
    rows = neutral[test_set_neutral.sample_evenly(options.max_evaluated)]
    targets = [each for each in label_set.names if each != _SOURCE]
    shown = neutral[test_set_neutral.sample_varied(_SHOWN)]
    judge = _judge(contest)
    real = classification_error(judge, test_set.images, test_set.labels, label_set)
    figures: dict[str, Any] = {
        "data": contest.source,
        "images": len(rows),
        "real_error_percent": real,
        "methods": {},
    }
    pictures = {}
    for contestant in contestants:
        models, found = trainings.train(contest, contestant)
        model = composed(models, train_set)
        figures["methods"][contestant.title] = found | _expression_figures(
            model, test_set, rows, targets, judge
        )
        pictures[contestant.title] = np.stack(
            [_translated(model, test_set, shown, label) for label in _each(test_set)],
            axis=1,
        )
        write_json(folder / "figures.json", figures)
        keras.backend.clear_session()
    save_png(
        folder / "side_by_side.png",
        _side_by_side(test_set, shown, label_set.names, pictures),
    )
    text = _expression_text(figures)
    write_text(folder / "table.md", text)
    return text


def _each(test_set: ImageSet) -> np.ndarray:
    return np.eye(len(test_set.label_set), dtype="float32")


def _expression_figures(
    model: TranslationModel,
    test_set: ImageSet,
    rows: np.ndarray,
    targets: Sequence[str],
    judge: keras.Model,
) -> dict[str, Any]:
    label_set, errors, truth = test_set.label_set, {}, GroundTruthErrors()
    for target in targets:
        label = _each(test_set)[label_set.index(target)]
        outputs = _translated(model, test_set, rows, label)
        labels = np.tile(label, (len(rows), 1))
        errors[target] = classification_error(judge, outputs, labels, label_set)
        if test_set.aligned:
            answers = test_set.ground_truth_indices(rows, labels)
            truth.update(test_set.images[rows], test_set.images[answers], outputs)
    return {
        "error_percent": float(np.mean(list(errors.values()))),
        "by_expression": errors,
    } | truth.result()


def _expression_text(figures: Mapping[str, Any]) -> str:
    published = registry.published_figures("classification error")
    lines = [
        [
            "method",
            "error, % (published)",
            "error, %",
            "error inside, of doing nothing",
            "parameters (published)",
            "parameters",
            "steps of a model",
            "seconds of training",
        ]
    ]
    for title, found in figures["methods"].items():
        error, parameters = published.get(title, ("", ""))
        ratio = found.get("error_inside_ratio")
        lines.append(
            [
                title,
                error,
                f"{found['error_percent']:.2f}",
                "" if ratio is None else f"{ratio:.3f}",
                parameters,
                found["parameters"],
                str(found["steps"]),
                f"{found['seconds']:.0f}",
            ]
        )
    real = f"{figures['real_error_percent']:.2f}"
    error, _ = published.get("real images", ("", ""))
    lines.append(["real images", error, real, *[""] * 5])
    return (
        f"{markdown(lines)}\n\n{figures['images']} neutral test pictures of "
        f"{figures['data']}, each translated to every other expression; published: "
        "RaFD, 128 px. The error inside is that of the pixels that the expression "
        "changes, against the true answer, as a share of the error of the source "
        "itself.\n"
    )


# The tables of preferences.


def single_table(options: Options, name: str) -> str:
    """Preferences among translations of one attribute (StarGAN, table 1)."""
    return _preference_table(options, name, several=False)


def multi_table(options: Options, name: str) -> str:
    """Preferences among translations of several attributes (StarGAN, table 2)."""
    return _preference_table(options, name, several=True)


def _preference_table(options: Options, name: str, several: bool) -> str:
    contest = options.contest(options.sources[0])
    train_set, test_set = contest.parts
    contestants = options.chosen(attribute_contestants(train_set.label_set))
    trainings = Trainings([(contest, contestants)])
    folder = options.folder(name)
    sources = test_set.sample_evenly(options.max_evaluated)
    changes = {
        "+".join(groups): (sources[rows], targets)
        for groups, (rows, targets) in attribute_changes(
            test_set.label_set, test_set.labels[sources]
        ).items()
        if (len(groups) > 1) == several and len(rows)
    }
    asked = test_set.sample_varied(_ASKED)
    study = _questions(test_set, asked, several)
    for row in asked:
        path = folder / "study" / "inputs" / f"{row:06d}.png"
        save_png(path, test_set.images[row])
    figures: dict[str, Any] = {
        "data": contest.source,
        "combinations": {title: len(rows) for title, (rows, _) in changes.items()},
        "methods": {},
    }
    distances: dict[str, dict[str, np.ndarray]] = {}
    pictures: dict[str, np.ndarray] = {}
    shown = asked[:: max(1, len(asked) // _SHOWN)][:_SHOWN]
    for contestant in contestants:
        models, found = trainings.train(contest, contestant)
        model = composed(models, train_set)
        figures["methods"][contestant.title] = found
        for title, (rows, targets) in changes.items() if test_set.aligned else ():
            outputs = _translated(model, test_set, rows, targets)
            answers = test_set.images[test_set.ground_truth_indices(rows, targets)]
            error = np.abs(outputs - from_uint8(answers)).mean(axis=(1, 2, 3))
            distances.setdefault(title, {})[contestant.title] = error
        _lay_out(folder / "study" / contestant.title, model, test_set, study)
        pictures[contestant.title] = np.stack(
            [
                _translated(model, test_set, shown, targets)
                for targets in _first_of_each(study, shown).values()
            ],
            axis=1,
        )
        write_json(folder / "figures.json", figures)
        keras.backend.clear_session()
    for title, by_method in distances.items():
        for method, share in nearest_shares(by_method).items():
            found = figures["methods"][method].setdefault("wins_percent", {})
            found[title] = share
            errors = figures["methods"][method].setdefault("error", {})
            errors[title] = float(by_method[method].mean())
    write_json(folder / "figures.json", figures)
    targets = _first_of_each(study, shown)
    save_png(
        folder / "side_by_side.png",
        _side_by_side(test_set, shown, list(targets), pictures, list(targets.values())),
    )
    text = _preference_text(figures, several)
    write_text(folder / "table.md", text)
    return text


def nearest_shares(distances: Mapping[str, np.ndarray]) -> dict[str, float]:
    """How often each method's translation is the nearest to the true answer.

    Args:
        distances: by method, the distance of each translation, `(n,)`. Methods that
            are equally near share a win.

    Returns:
        Percent by method; together 100.
    """
    values = np.stack(list(distances.values()))
    nearest = values == values.min(axis=0)
    shares = 100.0 * (nearest / nearest.sum(axis=0)).mean(axis=1)
    return dict(zip(distances, shares.tolist(), strict=True))


def _questions(
    test_set: ImageSet, rows: np.ndarray, several: bool
) -> dict[str, tuple[str, np.ndarray, np.ndarray]]:
    """By the targets' names: their combination, the images and their labels."""
    label_set, found = test_set.label_set, {}
    groups_of = attribute_groups(label_set)
    changes = attribute_changes(label_set, test_set.labels[rows])
    for groups, (chosen, targets) in changes.items():
        if (len(groups) > 1) != several:
            continue
        titles = [
            ",".join(_changed(label_set, groups_of[group], row) for group in groups)
            for row in targets
        ]
        for title in dict.fromkeys(titles):
            which = np.array([each == title for each in titles])
            found[title] = ("+".join(groups), rows[chosen[which]], targets[which])
    return found


def _changed(label_set: LabelSet, group: Sequence[str], target: np.ndarray) -> str:
    """What a target says of a group, as `Target.parse` reads it."""
    here = [name for name in group if target[label_set.index(name)] > 0.5]
    return here[0] if here else f"-{group[0]}"


def _first_of_each(
    study: Mapping[str, tuple[str, np.ndarray, np.ndarray]], shown: np.ndarray
) -> dict[str, np.ndarray]:
    """For each combination, a target of each shown image: `(shown, labels)`."""
    found: dict[str, dict[int, np.ndarray]] = {}
    for combination, rows, targets in study.values():
        for row, target in zip(rows, targets, strict=True):
            if row in shown:
                found.setdefault(combination, {}).setdefault(int(row), target)
    return {
        combination: np.stack([by_row[int(row)] for row in shown])
        for combination, by_row in found.items()
        if len(by_row) == len(shown)
    }


def _lay_out(
    folder: pathlib.Path,
    model: TranslationModel,
    test_set: ImageSet,
    study: Mapping[str, tuple[str, np.ndarray, np.ndarray]],
) -> None:
    """Writes translations as the preference study takes them."""
    for title, (_, rows, targets) in study.items():
        outputs = to_uint8(_translated(model, test_set, rows, targets))
        for row, image in zip(rows, outputs, strict=True):
            save_png(folder / file_name(title) / f"{row:06d}.png", image)


def _preference_text(figures: Mapping[str, Any], several: bool) -> str:
    published = registry.published_figures(
        "preference, several attributes" if several else "preference, one attribute"
    )
    titles = list(figures["combinations"])
    columns = list(next(iter(published.values()), {}))
    lines = [
        [
            "method",
            *(f"{column}, % (published)" for column in columns),
            *(f"{title}, % nearest" for title in titles),
            "parameters",
            "steps of a model",
            "seconds of training",
        ]
    ]
    for method, found in figures["methods"].items():
        wins = found.get("wins_percent", {})
        lines.append(
            [
                method,
                *(f"{published.get(method, {}).get(c, '')}" for c in columns),
                *(f"{wins[title]:.1f}" if title in wins else "" for title in titles),
                found["parameters"],
                str(found["steps"]),
                f"{found['seconds']:.0f}",
            ]
        )
    counts = ", ".join(f"{t} {n}" for t, n in figures["combinations"].items())
    return (
        f"{markdown(lines)}\n\nPublished: how often people preferred the method's "
        "translation (CelebA, 128 px; H hair color, G gender, A age). Nearest: how "
        "often, of all methods' translations, this method's has the least mean "
        f"absolute error against the true answer; {figures['data']}, translations: "
        f"{counts}. `study` has translations for `keras-stargan study`.\n"
    )


# What both kinds of tables need.


def _judge(contest: Contest) -> keras.Model:
    """The ResNet-18 that judges; trained once for a data set."""
    file = contest.folder / "judge.keras"
    if file.is_file():
        return keras.saving.load_model(file, compile=False)
    train_set, _ = contest.parts
    print(f"Training the ResNet-18 that judges on {len(train_set)} pictures.")
    judge = train_judge(train_set, judge_steps(contest.drawn), contest.seed)
    contest.folder.mkdir(parents=True, exist_ok=True)
    judge.save(file)
    return judge


def _translated(
    model: TranslationModel, test_set: ImageSet, rows: np.ndarray, targets: np.ndarray
) -> np.ndarray:
    """Some test images, translated to label vectors: one for all or one for each."""
    targets = np.broadcast_to(targets, (len(rows), len(test_set.label_set)))
    return np.concatenate(
        [
            model.translate(
                from_uint8(test_set.images[rows[some]]),
                targets[some],
                own=test_set.labels[rows[some]],
            )
            for start in range(0, len(rows), 64)
            for some in [slice(start, start + 64)]
        ]
    )


def _side_by_side(
    test_set: ImageSet,
    rows: np.ndarray,
    titles: Sequence[str],
    pictures: Mapping[str, np.ndarray],
    targets: Sequence[np.ndarray] | None = None,
) -> np.ndarray:
    """A grid: for each image the true answers, if there are, and every method."""
    targets = _each(test_set) if targets is None else targets
    lines, row_titles = [], []
    for i, row in enumerate(rows):
        source = from_uint8(test_set.images[row])
        if test_set.aligned:
            wanted = [
                np.reshape(t, (-1, len(test_set.label_set)))[-1:] for t in targets
            ]
            if np.ndim(targets[0]) == 2:
                wanted = [t[i : i + 1] for t in targets]
            one = rows[i : i + 1]
            answers = [test_set.ground_truth_indices(one, t)[0] for t in wanted]
            lines.append([source, *from_uint8(test_set.images[answers])])
            row_titles.append("true answer")
        for method, images in pictures.items():
            lines.append([source, *images[i]])
            row_titles.append(method)
    return image_grid(lines, ["source", *titles], row_titles)
