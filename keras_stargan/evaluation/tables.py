"""Tables in Markdown: the papers' figures, and a user's beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from keras_stargan.evaluation.by_attribute import attribute_groups
from keras_stargan.evaluation.judges import columns, guides_in
from keras_stargan.labels import LabelSet


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table in Markdown; the first line has the titles."""
    lines = [lines[0], ["---"] * len(lines[0]), *lines[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def label_table(
    label_set: LabelSet,
    pictures: str,
    figures: Mapping[str, Any],
    published: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """How often the target labels do not show, model by model.

    Args:
        label_set: the labels.
        pictures: what the pictures are, for the second column.
        figures: `classifier` with its `accuracy_percent`, and `models`: by title the
            figures of each model, with its `translations` as `evaluate_translations`
            (categorical labels) or `attribute_errors` (binary ones) gives, and its
            `parameters`.
        published: the paper's rows for categorical labels: by method its error and its
            parameters.

    Returns:
        The table, and a note that explains its columns.
    """
    models = figures["models"]
    found = {title: model["translations"] for title, model in models.items()}
    rows = []
    if label_set.kind == "categorical":
        titles = ["classification error, %"]
        rows = [
            [f"{method} (published)", "RaFD, 128 px", *values]
            for method, values in (published or {}).items()
        ]
        errors = {
            title: [each["classification_error_percent"]]
            for title, each in found.items()
        }
        errors["real images"] = [100 - figures["classifier"]["accuracy_percent"]]
        note = f"Targets: {', '.join(label_set.names)}."
    else:
        combinations = next(iter(found.values()))
        titles = [f"{combination}, %" for combination in combinations]
        errors = {
            title: [each[combination].get("error_percent") for combination in each]
            for title, each in found.items()
        }
        errors["real images"] = [
            each.get("error_real_percent") for each in combinations.values()
        ]
        note = "Translations on which any changed attribute does not show as it should."
        for name, names in attribute_groups(label_set).items():
            if names != (name,):
                note += f" {name}: {', '.join(names)}."
    for title, values in errors.items():
        texts = ["" if value is None else f"{value:.2f}" for value in values]
        count = models[title]["parameters"] if title in models else ""
        rows.append([title, pictures, *texts, count])
    lines = [["method", "pictures", *titles, "parameters"], *rows]
    return f"{markdown(lines)}\n\n{note}\n"


def diversity_table(
    figures: Mapping[str, Any],
    published: Mapping[str, Mapping[str, tuple[float, float]]] | None = None,
) -> str:
    """Realism and diversity of a model's translations, and of real images.

    Args:
        figures: from `evaluate_diverse_translations`, with `data`, what it was made on.
        published: the paper's FID and LPIPS, by data set and guide; shown where the
            figures are FID and LPIPS too.
    """
    named = columns(dict(figures))
    lines = [["pictures", "guided by", *named]]
    if {"FID", "LPIPS"} <= set(named):
        lines += [
            [f"{data} (published)", guide, f"{fid}", "", f"{lpips}"]
            for data, by_guide in (published or {}).items()
            for guide, (fid, lpips) in by_guide.items()
        ]
    for guide in (*guides_in(dict(figures)), "real"):
        values = (figures[guide].get(name) for name in named.values())
        texts = ["" if value is None else f"{value:.4g}" for value in values]
        title = "test pictures themselves" if guide == "real" else guide
        lines.append([figures["data"], title, *texts])
    return f"{markdown(lines)}\n\nFeatures: {figures['features']}.\n"


def variant_table(
    figures: Mapping[str, Mapping[str, Any]],
    variants: Mapping[str, Mapping[str, Any]],
) -> str:
    """Variants of an experiment, beside the published figures.

    Args:
        figures: by variant, from `evaluate_diverse_translations`, with `steps`, and
            `seconds` where they are known.
        variants: by name, with its `title` and `published`, its FID and LPIPS.
    """
    first = next(iter(figures.values()))
    named = columns(dict(first))
    titles = ("FID (published)", "LPIPS (published)")
    taken = [name for name in ("steps", "seconds") if name in first]
    lines = [["configuration", "", *titles, *taken, *named]]
    for name, found in figures.items():
        variant = variants[name]
        # What an earlier run measured in another way stays empty.
        own = found[guides_in(dict(found))[0]]
        values = (own.get(column) for column in named.values())
        texts = ("" if value is None else f"{value:.4g}" for value in values)
        spent = [str(found[each]) for each in taken]
        lines.append([name, variant["title"], *variant["published"], *spent, *texts])
    return f"{markdown(lines)}\n\nOurs in the features of {first['features']}.\n"
