"""Where the styles of a domain lie: what the page's sliders move along."""

from typing import Any

import numpy as np

from keras_stargan.methods.base import TranslationModel

_SAMPLES = 2000
_AXES = 4


def style_axes(
    model: TranslationModel, samples: int = _SAMPLES, axes: int = _AXES
) -> list[dict[str, Any]]:
    """The mean style of each domain, and the directions in which styles differ most.

    Args:
        model: a trained model. Only with the guide "latent" are its styles known.
        samples: how many random styles of each domain are compared.
        axes: how many directions, at most.

    Returns:
        For each domain, in order, `mean`, the style that truncation leads to
        (`mean_condition`), `axes`, unit vectors of decreasing importance, and
        `deviations`, the styles' standard deviation along each of them; as lists.
        Without the guide "latent": nothing.
    """
    if "latent" not in model.guides:
        return []
    shape = (samples, model.latent_dim)
    latents = np.random.default_rng(0).standard_normal(shape, "float32")
    found = []
    for name in model.labels.names:
        styles = model.conditions(name, latents=latents, batch_size=256)
        styles = styles.astype("float64")
        _, values, vectors = np.linalg.svd(
            styles - styles.mean(axis=0), full_matrices=False
        )
        found.append(
            {
                "mean": model.mean_condition(name).tolist(),
                "axes": vectors[:axes].tolist(),
                "deviations": (values[:axes] / np.sqrt(samples)).tolist(),
            }
        )
    return found
