"""Export of StarGAN v2 as a SavedModel for TensorFlow Serving."""

import functools
import os

import keras
import tensorflow as tf

from keras_stargan.export.saved_model import (
    check_place,
    encode_images,
    prepare_images,
    write_archive,
)
from keras_stargan.methods.stargan_v2.stargan_v2 import StarGANv2


def export_saved_model_v2(model: StarGANv2, path: str | os.PathLike) -> None:
    """Writes a model's averages as a SavedModel that needs no other code.

    Signatures, for a size of S pixels, L entries of a latent code and T of a style:
    `images` and `references` are float32 (n, S, S, 3) in [-1, 1], `latents` float32
    (n, L), normally distributed, `domains` int32 (n,), a domain's number, and `styles`
    float32 (n, T).

    - `translate_latent` (also `serving_default`): `images`, `latents` and `domains`
      to `translated` float32 (n, S, S, 3) in [-1, 1].
    - `translate_reference`: `images`, `references` and their `domains` to
      `translated`.
    - `style_from_latent`: `latents` and `domains` to `styles`.
    - `style_from_reference`: `references` and `domains` to `styles`.
    - `translate_style`: `images` and `styles` to `translated`.
    - `translate_bytes`: `encoded` string (n,), image files as `export_saved_model`
      takes them, `domain` string (n,), a domain's name, and `seed` int64 (n,), which
      decides the style, to `encoded_bytes` string (n,), PNG files of S x S.
    - `domain_names`: nothing to `names` string (number of domains,).

    A domain that there is not is an error that lists the right ones. As
    `export_saved_model`, it replaces an earlier export in one step.

    Args:
        model: whose averages.
        path: the folder to write.

    Raises:
        ValueError: if something other than a SavedModel is at the path.
    """
    check_place(path)
    size, names = model.image_size, model.domains.names

    specs = {
        "images": tf.TensorSpec((None, size, size, 3), tf.float32, "images"),
        "references": tf.TensorSpec((None, size, size, 3), tf.float32, "references"),
        "latents": tf.TensorSpec((None, model.latent_dim), tf.float32, "latents"),
        "styles": tf.TensorSpec((None, model.style_dim), tf.float32, "styles"),
        "domains": tf.TensorSpec((None,), tf.int32, "domains"),
        "encoded": tf.TensorSpec((None,), tf.string, "encoded"),
        "domain": tf.TensorSpec((None,), tf.string, "domain"),
        "seed": tf.TensorSpec((None,), tf.int64, "seed"),
    }

    def traced_once(*names):
        # Several signatures call it; each would else have its own copy of a network.
        signature = [specs[name] for name in names]
        return functools.partial(
            tf.function, input_signature=signature, autograph=False
        )

    def checked(domains):
        right = (domains >= 0) & (domains < len(names))
        message = f"domains must be from 0 to {len(names) - 1} ({', '.join(names)})"
        check = tf.debugging.Assert(tf.reduce_all(right), [message, domains])
        with tf.control_dependencies([check]):
            return tf.identity(domains)

    @traced_once("latents", "domains")
    def of_latents(latents, domains):
        return model.average_mapping_network([latents, checked(domains)])

    @traced_once("references", "domains")
    def of_references(references, domains):
        return model.average_style_encoder([references, checked(domains)])

    @traced_once("images", "styles")
    def translate(images, styles):
        return tf.clip_by_value(model([images, styles]), -1.0, 1.0)

    def translate_latent(images, latents, domains):
        return {"translated": translate(images, of_latents(latents, domains))}

    def translate_reference(images, references, domains):
        return {"translated": translate(images, of_references(references, domains))}

    def translate_style(images, styles):
        return {"translated": translate(images, styles)}

    def style_from_latent(latents, domains):
        return {"styles": of_latents(latents, domains)}

    def style_from_reference(references, domains):
        return {"styles": of_references(references, domains)}

    def translate_bytes(encoded, domain, seed):
        found = tf.strings.strip(domain)[:, tf.newaxis] == tf.constant(names)
        message = f"domain must be one of {', '.join(names)}; received:"
        right = tf.reduce_all(tf.reduce_any(found, axis=1))
        check = tf.debugging.Assert(right, [message, domain], summarize=16)
        with tf.control_dependencies([check]):
            domains = tf.argmax(found, axis=1, output_type=tf.int32)
        latents = tf.map_fn(
            lambda one: tf.random.stateless_normal((model.latent_dim,), [one, 0]),
            seed,
            fn_output_signature=tf.float32,
        )
        images = prepare_images(encoded, size)
        translated = translate(images, of_latents(latents, domains))
        return {"encoded_bytes": encode_images(translated)}

    def domain_names():
        return {"names": tf.constant(names)}

    archive = keras.export.ExportArchive()
    archive.track(model)
    for name, function, inputs in (
        ("serving_default", translate_latent, ("images", "latents", "domains")),
        ("translate_latent", translate_latent, ("images", "latents", "domains")),
        (
            "translate_reference",
            translate_reference,
            ("images", "references", "domains"),
        ),
        ("translate_style", translate_style, ("images", "styles")),
        ("style_from_latent", style_from_latent, ("latents", "domains")),
        ("style_from_reference", style_from_reference, ("references", "domains")),
        ("translate_bytes", translate_bytes, ("encoded", "domain", "seed")),
        ("domain_names", domain_names, ()),
    ):
        archive.add_endpoint(name, function, [specs[part] for part in inputs])
    write_archive(archive, path)
