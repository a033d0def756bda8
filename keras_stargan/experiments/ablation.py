"""StarGAN v2's ablation: its configurations A to F, trained and measured alike."""

from __future__ import annotations

import dataclasses
import json
import pathlib
from collections.abc import Sequence
from typing import Any

from keras_stargan.evaluation import check_sets
from keras_stargan.evaluation.judges import Judges
from keras_stargan.evaluation.tables import ablation_table
from keras_stargan.experiments.data_sources import DRAWN
from keras_stargan.experiments.run import load_parts, train_model
from keras_stargan.experiments.settings import Settings, defaults
from keras_stargan.files.whole import write_json, write_text
from keras_stargan.files.work_dir import check_work_dir, saved_settings
from keras_stargan.methods import registry
from keras_stargan.training.strategies import make_strategy

# The weight of WGAN-GP, which configuration B has of StarGAN.
_PENALTY_OF_B = 10.0
# What A, StarGAN, takes over from the others' settings.
_SHARED = (
    *("data", "other_data", "image_size", "batch_size", "steps", "epochs"),
    *("steps_per_epoch", "save_every", "seed", "mixed_precision", "cache_dir"),
    *("max_evaluated", "skip_unreadable", "strategy", "devices", "jit_compile"),
)


def run_ablation(
    settings: Settings,
    output_dir: str,
    configurations: Sequence[str],
    inception: str | None = None,
    lpips: str | None = None,
) -> str:
    """Trains each configuration, measures it, and writes the table.

    Each configuration is a run of its own in `output_dir`, and goes on where it was.

    Args:
        settings: of StarGAN v2, the configuration F.
        output_dir: gets `table.md`, `figures.json` and the runs. Figures of earlier
            configurations are kept.
        configurations: any of A to F.
        inception: as for `load_inception`, for FID and KID.
        lpips: the file of torchvision's AlexNet, for LPIPS.

    Returns:
        The table in Markdown.

    Raises:
        ValueError: for what cannot be trained, before the first is.
    """
    published = registry.published("stargan_v2").FIGURES["ablation"]
    if not configurations or set(configurations) - set(published):
        raise ValueError(
            f"configurations must be any of {', '.join(published)}; received "
            f"{', '.join(configurations) or 'none'}."
        )
    values, folder = settings.values, pathlib.Path(output_dir)
    strategy = make_strategy(values["strategy"], values["devices"])
    judges = Judges.load(inception, lpips)
    chosen = {
        name: _as_begun(_settings_of(name, settings), saved_settings(folder / name))
        for name in configurations
    }
    for name in configurations:
        check_work_dir(folder / name, resume=False)
    parts = load_parts(values["data"][0], values)
    train_set, test_set = parts
    if values["max_evaluated"]:
        test_set = test_set.subset(test_set.sample_evenly(values["max_evaluated"]))
    check_sets(train_set.label_set, values["image_size"], test_set, train_set)
    judges = judges.with_classifier(train_set, values["seed"])
    path = folder / "figures.json"
    figures: dict[str, Any] = json.loads(path.read_text()) if path.is_file() else {}
    for name, own in chosen.items():
        print(f"Configuration {name}: {published[name][0]}.")
        is_begun = saved_settings(folder / name) is not None
        model, _ = train_model(own, [parts], folder / name, is_begun, strategy)
        figures[name] = {"steps": model.global_step} | judges.figures(
            model,
            test_set,
            train_set,
            seed=values["seed"],
            cache_dir=values["cache_dir"],
        )
        figures = dict(sorted(figures.items()))
        write_json(path, figures)
        write_text(folder / "table.md", ablation_table(figures, published))
    return ablation_table(figures, published)


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


def _settings_of(name: str, settings: Settings) -> Settings:
    """The settings of a configuration's run."""
    values = settings.values
    if name == "A":
        is_drawn = all(source in DRAWN for source in values["data"])
        shared = {key: values[key] for key in _SHARED}
        own = defaults("stargan", is_drawn and not values["published"]) | shared
        own.pop("steps_each", None)
        # StarGAN's discriminator has six layers, for 64 px and more.
        layers = values["image_size"].bit_length() - 2
        own["num_discriminator_layers"] = min(layers, own["num_discriminator_layers"])
        return Settings("stargan", own, frozenset(own))
    changes: dict[str, Any] = {"configuration": name}
    if name == "B":
        # StarGAN's generator has no high-pass filter.
        changes |= {"lambda_reg": _PENALTY_OF_B, "w_hpf": 0.0, "fan": None}
    return dataclasses.replace(settings, values=values | changes)
