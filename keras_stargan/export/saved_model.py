"""Export of a trained model as a SavedModel for TensorFlow Serving."""

from __future__ import annotations

import functools
import os
import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from keras_stargan.export.image_bytes import encode_images, prepare_images
from keras_stargan.export.target_text import domain_numbers, target_labels
from keras_stargan.export.warmup import has_messages, write_warmup
from keras_stargan.files.whole import whole_folder
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.endpoints import Endpoint
from keras_stargan.training.backends.graphs import gradients_forgotten

Signatures = dict[str, Any]  # of TensorFlow functions
Size = tuple[int | None, int | None]


def export_saved_model(
    model: TranslationModel,
    path: str | os.PathLike,
    warmup: bool | str = "auto",
    size: Size | None = None,
) -> bool:
    """Writes a trained model as a SavedModel that needs no other code.

    TensorFlow Serving looks for a folder with a number, the version, as the last
    part of its path: `models/stargan/1`.

    Its signatures are the model's `endpoints`, which take and return tensors; and for a
    model of S pixels:

    - `translate_bytes`: `encoded` string (n,), files in PNG, JPEG, BMP or GIF (its
      first image), prepared as by `prepare_images`, to `encoded_bytes` string (n,), PNG
      files of S x S, and `error` string (n,). (Serving's REST interface returns bytes,
      in base64, only under names that end so.) `error` is "" for a good entry. Else it
      says what is wrong with the file or the names, which are right instead, and
      `encoded_bytes` is ""; the other entries are translated.
      A label-guided model also takes `target` string (n,), as `Target.parse`; what a
      binary target does not name stays as the model's classifier sees it. A model that
      cannot classify, or that needs the images' own domain, also takes `source` string
      (n,): the names of the labels that the image has now, separated by commas.
      A latent-guided model takes `domain` string (n,), a domain's name, and `seed`
      int64 (n,), which decides the style.
    - `translate_bytes_by_reference`, of a reference-guided model: `encoded` and
      `domain` as above, and `reference` string (n,), a file of the domain whose style
      is taken.
    - `label_names`, of a model with domains also `domain_names`: no input, returns
      `names` string (`labels.num_labels`,).

    Args:
        model: a trained model.
        path: the folder to write. An earlier export there is replaced, and nobody ever
            sees half of one.
        warmup: whether to write requests that TensorFlow Serving runs at its start.
            "auto" writes them if tensorflow-serving-api is installed.
        size: height and width of the images that signatures of tensors translate, None
            for any, as for `endpoints`. By default they are S. A server that joins
            requests in batches needs images of one size.

    Returns:
        Whether there are warmup requests.

    Raises:
        ValueError: if something other than a SavedModel is at the path; for an unknown
            `warmup`; or if the model cannot translate images of such a size.
        ImportError: if `warmup` is true and tensorflow-serving-api is missing.
    """
    check_place(path)
    if warmup not in (True, False, "auto"):
        raise ValueError(f'warmup must be True, False or "auto"; received {warmup!r}.')
    warm = bool(warmup) and has_messages(required=warmup is True)
    concrete = signatures_of(model, size)
    module = tf.Module()
    # Only what the signatures use is written: no optimizer, no network that only
    # trains.
    module.weights_in_use = list(
        {id(v): v for one in concrete.values() for v in one.variables}.values()
    )
    with whole_folder(path) as folder:
        tf.saved_model.save(module, folder, signatures=concrete)
        if warm:
            write_warmup(folder, model, concrete)
    return warm


def signatures_of(model: TranslationModel, size: Size | None = None) -> Signatures:
    """The signatures of a model, as `export_saved_model` describes them.

    Args:
        model: a trained model.
        size: as for `export_saved_model`.

    Returns:
        A TensorFlow function for each signature, ready to be called with tensors by
        name.
    """
    wrap = functools.partial(tf.function, autograph=False)
    endpoints = model.endpoints(wrap, size)
    functions: Signatures = {
        name: _signature(model, one) for name, one in endpoints.items()
    }
    binary = any(label_set.kind == "binary" for label_set in model.labels.sets)
    if not binary:
        # It would bring the discriminator along, which nothing else needs.
        functions.pop("classify", None)
    functions |= _text_signatures(model, endpoints, binary)
    with gradients_forgotten():
        return {name: one.get_concrete_function() for name, one in functions.items()}


def check_place(path: str | os.PathLike) -> None:
    """Raises `ValueError` unless a path is new or an earlier SavedModel's."""
    path = pathlib.Path(path)
    if path.exists() and not (path / "saved_model.pb").exists():
        raise ValueError(f"path must be new or an earlier SavedModel; received {path}.")


def _signature(model: TranslationModel, endpoint: Endpoint) -> Callable:
    """An endpoint as a TensorFlow function that checks domains and open sizes."""
    names, multiple = model.labels.names, model.size_multiple
    specs = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, spec in endpoint.inputs.items()
    }

    def checked(name, value):
        if name == "domains":
            right = tf.reduce_all((value >= 0) & (value < len(names)))
            message = f"domains must be from 0 to {len(names) - 1} ({', '.join(names)})"
            received = value
        elif name == "images" and None in specs[name].shape[1:]:
            received = tf.shape(value)[1:3]
            right = tf.reduce_all(received % multiple == 0)
            message = f"images must have a height and width of multiples of {multiple}"
        else:
            return value
        check = tf.debugging.Assert(right, [message, received])
        with tf.control_dependencies([check]):
            return tf.identity(value)

    def function(*values):
        # Nobody else compares the shapes of a request, and some kernels for CPUs end
        # the whole process where a tensor has another rank.
        values = [
            tf.ensure_shape(value, spec.shape)
            for value, spec in zip(values, specs.values(), strict=True)
        ]
        given = zip(specs, values, strict=True)
        return endpoint.function(**{name: checked(name, each) for name, each in given})

    return tf.function(function, list(specs.values()), autograph=False)


def _text_signatures(
    model: TranslationModel, endpoints: dict[str, Endpoint], binary: bool
) -> Signatures:
    """The signatures that take files and names."""
    space, size, dtype = model.labels, model.image_size, model.float_dtype

    def text(name: str) -> tf.TensorSpec:
        return tf.TensorSpec((None,), tf.string, name)

    def signature(*inputs: tf.TensorSpec) -> Callable:
        return functools.partial(tf.function, input_signature=inputs, autograph=False)

    def images_of(encoded, what="encoded"):
        images, errors = prepare_images(encoded, size, what)
        return tf.cast(images, dtype), errors

    def files_of(translated, *errors):
        error = tf.strings.strip(tf.strings.join(errors))
        files = encode_images(translated["translated"])
        return {"encoded_bytes": tf.where(error == "", files, ""), "error": error}

    @signature()
    def names():
        return {"names": tf.constant(space.names)}

    found = {"label_names": names}
    if "label" in model.guides:
        translate = endpoints["translate_label"].function
        classifies = binary and model.can_classify

        if model.needs_own or (binary and not classifies):

            @signature(text("encoded"), text("target"), text("source"))
            def translate_bytes(encoded, target, source):
                images, bad_file = images_of(encoded)
                own, bad_source = target_labels(
                    source, None, space, space.names, "source"
                )
                labels, bad_target = target_labels(
                    target, own[:, : space.num_labels], space, model.reachable
                )
                extra = [tf.cast(own, dtype)] if model.needs_own else []
                translated = translate(images, tf.cast(labels, dtype), *extra)
                return files_of(translated, bad_file, bad_target, bad_source)

        else:

            @signature(text("encoded"), text("target"))
            def translate_bytes(encoded, target):
                images, bad_file = images_of(encoded)
                own = None
                if classifies:
                    logits = endpoints["classify"].function(images)["logits"]
                    own = _labels_of_logits(logits, space)
                labels, bad_target = target_labels(target, own, space, model.reachable)
                translated = translate(images, tf.cast(labels, dtype))
                return files_of(translated, bad_file, bad_target)

        return found | {"translate_bytes": translate_bytes}
    found["domain_names"] = names
    if "latent" in model.guides:
        translate_latent = endpoints["translate_latent"].function

        @signature(
            text("encoded"), text("domain"), tf.TensorSpec((None,), tf.int64, "seed")
        )
        def translate_bytes(encoded, domain, seed):
            latents = tf.map_fn(
                lambda one: tf.random.stateless_normal((model.latent_dim,), [one, 0]),
                seed,
                fn_output_signature=tf.float32,
            )
            images, bad_file = images_of(encoded)
            domains, bad_domain = domain_numbers(domain, space, model.reachable)
            translated = translate_latent(images, tf.cast(latents, dtype), domains)
            return files_of(translated, bad_file, bad_domain)

        found["translate_bytes"] = translate_bytes
    if "reference" in model.guides:
        translate_reference = endpoints["translate_reference"].function

        @signature(text("encoded"), text("reference"), text("domain"))
        def translate_bytes_by_reference(encoded, reference, domain):
            images, bad_file = images_of(encoded)
            references, bad_reference = images_of(reference, "reference")
            domains, bad_domain = domain_numbers(domain, space, model.reachable)
            translated = translate_reference(images, references, domains)
            return files_of(translated, bad_file, bad_reference, bad_domain)

        found["translate_bytes_by_reference"] = translate_bytes_by_reference
    return found


def _labels_of_logits(logits: tf.Tensor, space) -> tf.Tensor:
    """The labels that a classifier sees, `(n, num_labels)`, as `from_logits`."""
    parts = []
    for label_set, entries in zip(space.sets, space.entries, strict=True):
        part = logits[:, entries]
        if label_set.kind == "categorical":
            parts.append(tf.one_hot(tf.argmax(part, axis=1), len(label_set)))
            continue
        shown = tf.cast(part > 0, tf.float32)
        for group in label_set.exclusive:
            inside = tf.constant([name in group for name in label_set.names])
            # Of the group only the greatest, if any is shown.
            among = tf.where(inside, part, part.dtype.min)
            best = tf.one_hot(tf.argmax(among, axis=1), len(label_set))
            shown = tf.where(inside, shown * best, shown)
        parts.append(shown)
    return tf.concat(parts, axis=1)
