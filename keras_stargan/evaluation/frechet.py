"""How far two sets of images are apart, in the features of a network: FID and KID."""

import numpy as np

from keras_stargan.evaluation.features import FeatureStatistics
from keras_stargan.pretrained.feature_network import FeatureNetwork


def frechet_distance(one: FeatureStatistics, other: FeatureStatistics) -> float:
    """The Fréchet distance of two normal distributions with these statistics.

    |m - m'|^2 + tr(C + C' - 2 (C C')^(1/2)) (Heusel et al., NIPS 2017). With C = R^T R,
    the trace of the root is the sum of the singular values of R R'^T: real, and
    stable however few the images. The distance itself is biased for few images; the
    kernel distance is not.

    Args:
        one: statistics of one set of images.
        other: of the other.

    Returns:
        At least 0, in squared units of the features.

    Raises:
        ValueError: if their features are not equally many.
    """
    _check_dimensions(one.features, other.features)
    root = np.linalg.svd(one.factor @ other.factor.T, compute_uv=False).sum()
    spread = np.square(one.factor).sum() + np.square(other.factor).sum()
    distance = np.square(one.mean - other.mean).sum() + spread - 2 * root
    return max(float(distance), 0.0)


def kernel_distance(
    features: np.ndarray,
    others: np.ndarray,
    subsets: int = 100,
    subset_size: int = 1000,
    seed: int = 0,
) -> tuple[float, float]:
    """The squared maximum mean discrepancy with the kernel (x.y / d + 1)^3.

    The unbiased estimate of KID (Binkowski et al., ICLR 2018), over random subsets.

    Args:
        features: `(n, d)`, n at least 2.
        others: of the other images, `(m, d)`, m at least 2.
        subsets: how many are drawn, each without repetition.
        subset_size: images of each set in a subset; all of the smaller set if it
            has fewer.
        seed: decides which.

    Returns:
        Mean and standard deviation over the subsets. Unbiased, it may be below 0.

    Raises:
        ValueError: if there are fewer than two images, or the features are not
            equally many.
    """
    _check_dimensions(features, others)
    size = min(subset_size, len(features), len(others))
    if size < 2 or subsets < 1:
        raise ValueError(
            "A kernel distance needs two images of each set and a subset; received "
            f"{len(features)} and {len(others)} images, subset_size={subset_size} and "
            f"subsets={subsets}."
        )
    rng = np.random.default_rng(seed)
    estimates = []
    for _ in range(subsets):
        x = features[rng.choice(len(features), size, replace=False)]
        y = others[rng.choice(len(others), size, replace=False)]
        estimates.append(
            _mean_kernel(x, x, diagonal=False)
            + _mean_kernel(y, y, diagonal=False)
            - 2 * _mean_kernel(x, y)
        )
    return float(np.mean(estimates)), float(np.std(estimates))


def _mean_kernel(x: np.ndarray, y: np.ndarray, diagonal: bool = True) -> float:
    kernel = ((x @ y.T).astype("float64") / x.shape[1] + 1.0) ** 3
    if diagonal:
        return kernel.mean()
    return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))


def _check_dimensions(features: np.ndarray, others: np.ndarray) -> None:
    if features.ndim != 2 or features.shape[1:] != others.shape[1:]:
        raise ValueError(
            "The features of two sets must be arrays (n, d) and (m, d); received "
            f"shapes {features.shape} and {others.shape}."
        )


def distance_figures(
    network: FeatureNetwork,
    features: np.ndarray,
    real: FeatureStatistics,
    seed: int = 0,
) -> dict[str, float]:
    """Fréchet and kernel distance, by the names that the network permits.

    Args:
        network: that gave the features.
        features: of the images to judge, `(n, d)`.
        real: the statistics of real images.
        seed: of the kernel distance's subsets.

    Returns:
        `fid`, `kid` and `kid_std` with Inception-v3; with any other network
        `frechet_distance`, `kernel_distance` and `kernel_distance_std`.
    """
    distance = frechet_distance(FeatureStatistics.of(features), real)
    mean, std = kernel_distance(features, real.features, seed=seed)
    if network.is_inception:
        return {"fid": distance, "kid": mean, "kid_std": std}
    return {
        "frechet_distance": distance,
        "kernel_distance": mean,
        "kernel_distance_std": std,
    }
