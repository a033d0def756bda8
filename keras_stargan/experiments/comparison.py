"""Variants of an experiment, trained and measured alike, in one table."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_stargan.evaluation import check_sets
from keras_stargan.evaluation.judges import Judges
from keras_stargan.evaluation.tables import variant_table
from keras_stargan.experiments.data_sources import DRAWN
from keras_stargan.experiments.run import load_parts, train_model
from keras_stargan.experiments.settings import COMMON, Settings, defaults
from keras_stargan.files.whole import write_json, write_text
from keras_stargan.files.work_dir import check_work_dir, saved_settings
from keras_stargan.labels import LabelSpace
from keras_stargan.training.strategies import make_strategy


def compare_variants(
    settings: Settings,
    output_dir: str,
    variants: Mapping[str, Mapping[str, Any]],
    chosen: Sequence[str],
    inception: str | None = None,
    lpips: str | None = None,
) -> str:
    """Trains variants of an experiment, measures their diversity, writes a table.

    Each variant is a run of its own in `output_dir`, and goes on where it was.

    Args:
        settings: of the experiment; each variant says what it changes.
        output_dir: gets `table.md`, `figures.json` and the runs. Figures of variants
            that are not chosen now are kept.
        variants: by name, with the entries `title`; `published`, the paper's FID and
            LPIPS as texts; `changes`, a function of the settings' values that returns
            those that differ; and `method`, if it is another one, whose own settings
            then hold beside image size, lengths, data and the like.
        chosen: names of variants.
        inception: as for `load_inception`, for FID and KID.
        lpips: the file of torchvision's AlexNet, for LPIPS.

    Returns:
        The table in Markdown.

    Raises:
        ValueError: for what cannot be trained, before the first variant is.
    """
    values, folder = settings.values, pathlib.Path(output_dir)
    strategy = make_strategy(values["strategy"], values["devices"])
    judges = Judges.load(inception, lpips)
    of_variants = {
        name: _as_begun(
            _settings_of(variants[name], settings), saved_settings(folder / name)
        )
        for name in chosen
    }
    begun = {name: check_work_dir(folder / name, resume=False) for name in chosen}
    parts = load_parts(values["data"][0], values)
    train_set, test_set = parts
    if values["max_evaluated"]:
        test_set = test_set.subset(test_set.sample_evenly(values["max_evaluated"]))
    check_sets(
        LabelSpace.of(train_set.label_set), values["image_size"], test_set, train_set
    )
    judges = judges.with_classifier(train_set, values["seed"])
    path = folder / "figures.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    for name, own in of_variants.items():
        print(f"{name}: {variants[name]['title']}.")
        model, _ = train_model(own, [parts], folder / name, begun[name], strategy)
        figures[name] = {"steps": model.global_step} | judges.figures(
            model,
            test_set,
            train_set,
            seed=values["seed"],
            cache_dir=values["cache_dir"],
        )
        figures = dict(sorted(figures.items()))
        write_json(path, figures)
        write_text(folder / "table.md", variant_table(figures, variants))
    return variant_table(figures, variants)


def _settings_of(variant: Mapping[str, Any], settings: Settings) -> Settings:
    """The settings of a variant's run."""
    values, method = settings.values, variant.get("method", settings.method)
    if method != settings.method:
        is_drawn = all(source in DRAWN for source in values["data"])
        shared = {name: values[name] for name in (*COMMON, "image_size")}
        values = defaults(method, is_drawn and not values["published"]) | shared
        values.pop("steps_each", None)
        settings = Settings(method, values, frozenset(values))
    changes = variant["changes"](values)
    return dataclasses.replace(settings, values=values | changes)


def _as_begun(settings: Settings, earlier: dict[str, Any] | None) -> Settings:
    """The settings of a run that goes on as it was begun, if longer."""
    if earlier is None:
        return settings
    values = settings.values
    kept = {
        name: value
        for name, value in earlier.items()
        if name in values and name not in ("steps", "epochs", "max_evaluated")
    }
    return dataclasses.replace(settings, values=values | kept, fixed=frozenset(values))
