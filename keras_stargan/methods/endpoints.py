"""The functions of a trained model that every kind of export offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import keras
from keras import ops


class Endpoint(NamedTuple):
    """A function of a trained model, for every kind of export.

    Args:
        function: takes tensors by the names of `inputs` and returns a dictionary of
            tensors.
        inputs: a symbolic tensor for each input, the first axis being the batch.
    """

    function: Callable[..., dict[str, Any]]
    inputs: dict[str, keras.KerasTensor]


def endpoints_of(
    model: Any,
    wrap: Callable[[Callable], Callable],
    size: tuple[int | None, int | None],
) -> dict[str, Endpoint]:
    """The endpoints of a model, as `TranslationModel.endpoints` describes them.

    Args:
        model: a `TranslationModel`.
        wrap: applied to each function of the model that several endpoints share.
        size: height and width of the images that are translated; None for any.
    """
    dtype, square = model.float_dtype, (model.image_size, model.image_size, 3)
    specs = {
        "images": ((*size, 3), dtype),
        "references": (square, dtype),
        "squares": (square, dtype),
        "labels": ((model.labels.size,), dtype),
        "own": ((model.labels.size,), dtype),
        "latents": ((model.latent_dim,), dtype),
        "styles": ((model.condition_dim,), dtype),
        "domains": ((), "int32"),
    }

    @wrap
    def translated(images, conditions):
        images = ops.clip(model([images, conditions]), -1.0, 1.0)
        return ops.cast(images, "float32")

    @wrap
    def of_labels(labels, own):
        return model.label_conditions(labels, own)

    @wrap
    def of_latents(latents, domains):
        return model.latent_conditions(latents, one_hot(domains))

    @wrap
    def of_references(references, domains):
        return model.reference_conditions(references, one_hot(domains))

    def one_hot(domains):
        return ops.one_hot(domains, model.labels.size, dtype=dtype)

    def translate_label(images, labels, own=None):
        own = ops.zeros_like(labels) if own is None else own
        return {"translated": translated(images, of_labels(labels, own))}

    def translate_latent(images, latents, domains):
        return {"translated": translated(images, of_latents(latents, domains))}

    def translate_reference(images, references, domains):
        styles = of_references(references, domains)
        return {"translated": translated(images, styles)}

    def translate_style(images, styles):
        return {"translated": translated(images, styles)}

    def style_from_latent(latents, domains):
        return {"styles": of_latents(latents, domains)}

    def style_from_reference(references, domains):
        return {"styles": of_references(references, domains)}

    def classify(images):
        return {"logits": ops.cast(model.classify_batch(images), "float32")}

    functions: dict[Callable, tuple[str, ...]] = {}
    if "label" in model.guides:
        own = ("own",) if model.needs_own else ()
        functions[translate_label] = ("images", "labels", *own)
    if "latent" in model.guides:
        functions[translate_latent] = ("images", "latents", "domains")
        functions[style_from_latent] = ("latents", "domains")
    if "reference" in model.guides:
        functions[translate_reference] = ("images", "references", "domains")
        functions[style_from_reference] = ("references", "domains")
    if {"latent", "reference"} & set(model.guides):
        functions[translate_style] = ("images", "styles")
    if model.can_classify:
        functions[classify] = ("squares",)
    found = {
        function.__name__: Endpoint(
            function,
            {
                given: keras.KerasTensor((None, *shape), kind, name=given)
                for name in names
                for shape, kind in [specs[name]]
                for given in ["images" if name == "squares" else name]
            },
        )
        for function, names in functions.items()
    }
    return {"serving_default": found[f"translate_{model.guides[0]}"]} | found
