"""Does the target domain show in StarGAN v2's translations; is the style followed."""

from typing import Any

import keras
import numpy as np

from keras_stargan.data.image_set import ImageSet
from keras_stargan.evaluation.classifier import classification_error
from keras_stargan.images import from_uint8


def evaluate_styles(
    model: Any,
    test_set: ImageSet,
    classifier: keras.Model,
    num_styles: int = 10,
    seed: int = 0,
    verbose: int = 1,
) -> dict[str, Any]:
    """Translates test images to every other domain in several styles, and judges.

    Each image is translated with `num_styles` latents, and with as many random test
    images of the target domain as references.

    Args:
        model: a trained `StarGANv2`.
        test_set: pictures never seen in training, of the model's domains.
        classifier: of the domains, from `train_classifier` on real images.
        num_styles: translations of an image to a domain.
        seed: of the latents and of the choice of references.
        verbose: 0 for silence, 1 for a progress bar.

    Returns:
        Plain numbers, ready for JSON.

        - `real`, `latents`, `references`: of the test images and of the translations
          guided so, `classification_error_percent`: those not taken for their
          domain.
        - `references`: also `colours_follow_percent`: how often the mean colour of a
          translation is nearer to that of its own reference than to that of another
          one (chance: 50); None if all references are of one colour.

    Raises:
        ValueError: for labels that are not the model's domains, a domain without test
            images, or no style.
    """
    names = test_set.label_set.names
    if names != model.domains.names:
        raise ValueError(
            f"The test set must have the model's domains, "
            f"{', '.join(model.domains.names)}; received {', '.join(names)}."
        )
    if num_styles < 1:
        raise ValueError(f"num_styles must be 1 or more; received {num_styles}.")
    domains = test_set.labels.argmax(axis=1)
    of_domain = [np.flatnonzero(domains == i) for i in range(len(names))]
    for name, places in zip(names, of_domain, strict=True):
        if not len(places):
            raise ValueError(f"There is no test image of the domain {name}.")
    rng = np.random.default_rng(seed)
    pairs = [(i, k) for i, d in enumerate(domains) for k in range(len(names)) if k != d]
    progress = keras.utils.Progbar(2 * len(pairs), verbose=verbose, unit_name="image")
    errors, followed = {"latents": [], "references": []}, []
    for image, domain in pairs:
        latents = rng.standard_normal((num_styles, model.latent_dim), "float32")
        places = rng.choice(of_domain[domain], num_styles)
        references = from_uint8(test_set.images[places])
        for guide, styles in (
            ("latents", model.styles_of_latents(latents, domain)),
            ("references", model.styles_of_references(references, domain)),
        ):
            sources = from_uint8(test_set.images[[image] * num_styles])
            outputs = model.translate(sources, styles=styles)
            labels = np.eye(len(names))[[domain] * num_styles]
            errors[guide].append(
                classification_error(classifier, outputs, labels, model.domains)
            )
            progress.add(1)
        followed.extend(_colours_follow(outputs, references))
    figures = {
        guide: {"classification_error_percent": float(np.mean(values))}
        for guide, values in errors.items()
    }
    figures["references"]["colours_follow_percent"] = (
        100 * float(np.mean(followed)) if followed else None
    )
    figures["real"] = {
        "classification_error_percent": classification_error(
            classifier, test_set.images, test_set.labels, model.domains
        )
    }
    return figures


def _colours_follow(outputs: np.ndarray, references: np.ndarray) -> list[bool]:
    """For each output and each other reference: is the own one nearer in colour."""
    of_outputs, of_references = (
        images.mean(axis=(1, 2)) for images in (outputs, references)
    )
    distances = np.linalg.norm(of_outputs[:, None] - of_references[None], axis=-1)
    own = np.diagonal(distances)[:, None]
    # A reference drawn twice is no other one.
    others = np.any(of_references[:, None] != of_references[None], axis=-1)
    return (own < distances)[others].tolist()
