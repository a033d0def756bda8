"""MSGAN (Mao et al., CVPR 2019, arXiv:1903.05628), on DRIT."""

from __future__ import annotations

import keras

from keras_stargan.methods.drit.drit import DRIT


@keras.saving.register_keras_serializable("keras_stargan")
class MSGAN(DRIT):
    """DRIT with a term that makes different attributes give different images.

    The term is 1 / (E|G(x, z1) - G(x, z2)| / E|z1 - z2|) (MSGAN, equation 3), for each
    direction. Both translations are judged (the published code).

    Args:
        *args: as for `DRIT`.
        lambda_ms: weight of the mode-seeking term. Defaults to 1.
        **kwargs: as for `DRIT`.
    """

    def __init__(self, *args, lambda_ms: float = 1.0, **kwargs) -> None:
        super().__init__(*args, lambda_ms=lambda_ms, **kwargs)
