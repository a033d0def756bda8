"""StarGAN v2 (Choi et al., CVPR 2020, arXiv:1912.01865)."""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from keras_stargan.labels import LabelSet, LabelSpace, numbered_labels
from keras_stargan.losses import adversarial_loss, wasserstein_loss
from keras_stargan.methods.base import TranslationModel
from keras_stargan.methods.checks import check_images, warn_if_unsigned
from keras_stargan.methods.stargan_v2.configurations import (
    CONFIGURATIONS,
    network_makers,
    style_size,
)
from keras_stargan.methods.stargan_v2.losses import (
    discriminator_losses,
    generator_losses,
    wasserstein_discriminator_losses,
)
from keras_stargan.methods.stargan_v2.networks import halvings
from keras_stargan.pretrained.fan.heatmaps import masks as masks_of_heatmaps
from keras_stargan.pretrained.fan.networks import FAN
from keras_stargan.pretrained.fan.pytorch import load_weights
from keras_stargan.training import Adam, Update, input_gradient, num_rows

if TYPE_CHECKING:
    from keras_stargan.training.randomness import Draws

# Arguments of the model that its networks are made from, besides the domains.
NETWORK_SETTINGS = (
    "image_size",
    "latent_dim",
    "style_dim",
    "hidden_dim",
    "base_dim",
    "max_dim",
    "w_hpf",
)
# The networks whose averages are sampled from (StarGAN v2, appendix).
AVERAGED = ("generator", "mapping_network", "style_encoder")


@keras.saving.register_keras_serializable("keras_stargan")
class StarGANv2(TranslationModel):
    """One generator for all domains; a style code selects one of many translations.

    A style comes from a latent code by the mapping network, or from a reference image
    by the style encoder (StarGAN v2, section 2). `fit` takes batches of
    `((images, domains), (references, other_references, target_domains))`, as
    `keras_stargan.data.reference_dataset` gives, or a dictionary of these named
    tensors; the two references of a row are of the domain that its image is translated
    to. A condition is a style code.

    Translation, evaluation and export use moving averages of the weights.

    Args:
        image_size: height and width of the images in pixels, a power of two, at
            least 16. Defaults to 256.
        num_domains: number of domains, with the names "0", "1", ...; short for
            `domains`. Defaults to 2.
        domains: the names of the domains: a categorical `LabelSet`. Saved with the
            model.
        latent_dim: entries of a latent code. Defaults to 16.
        style_dim: entries of a style code. Defaults to 64.
        hidden_dim: features of the mapping network's layers. Defaults to 512.
        base_dim: channels of the first convolutions. Defaults to
            `2**14 / image_size`.
        max_dim: channels double up to this number. Defaults to 512.
        w_hpf: weight of the high-pass filter, 1 for CelebA-HQ: parts of a face that
            a FAN finds keep their edges (`load_fan` of
            `keras_stargan.pretrained.fan.pytorch`). Defaults to 0, no filter.
        fan: with a filter, the FAN's file, `wing.ckpt`, as `load_fan` takes it. A saved
            model does not contain the FAN, but the path and the SHA-256 of its file,
            `{"file": ..., "sha256": ...}`, which is read again with the model.
        lambda_reg: weight of the R1 penalty. Defaults to 1.
        lambda_sty: weight of the style reconstruction. Defaults to 1.
        lambda_ds: weight of the diversity term at the start. Defaults to 1 (AFHQ:
            2).
        lambda_cyc: weight of the cycle consistency. Defaults to 1.
        lambda_ms: weight of MSGAN's mode-seeking term in the update by latent codes
            (configurations E and F). Above 0, that update's second translation is
            judged, too. Defaults to 0, as published.
        ds_iter: steps over which the weight of the diversity term falls linearly to
            0. Defaults to 100,000.
        average_decay: how much the averages keep at each step. Defaults to 0.999.
        average_warmup: whether the averages keep less at first, at step t at most
            (1 + t) / (10 + t). Defaults to False, as published.
        configuration: of the paper's ablation (table 1), "B" to "F", see
            `keras_stargan.methods.stargan_v2.configurations`. In B to D, `style_dim`
            follows from it, and there are no updates by references. Defaults to "F",
            StarGAN v2.
        reg_every: the R1 penalty is computed on each `reg_every`-th step only, with
            that many times its weight. Defaults to 1, as published.
        seed: of every random draw in training. Defaults to 0.
        **kwargs: as for `keras.Model`.

    Raises:
        ValueError: for a size that is no power of two, no domain, both `num_domains`
            and `domains`, labels that are not categorical, or numbers out of range.

    Example:
        ```python
        model = keras_stargan.StarGANv2(image_size=256, num_domains=3)
        model.compile()
        model.fit(dataset, epochs=10, steps_per_epoch=1000)
        dogs = model.translate(images, "dog", latents=latents)
        like_these = model.translate(images, "dog", references=references)
        ```
    """

    guides = ("latent", "reference")
    batches = "references"
    averaged = AVERAGED
    can_recompute = True

    def __init__(
        self,
        image_size: int = 256,
        num_domains: int | None = None,
        domains: LabelSet | None = None,
        latent_dim: int = 16,
        style_dim: int = 64,
        hidden_dim: int = 512,
        base_dim: int | None = None,
        max_dim: int = 512,
        w_hpf: float = 0.0,
        fan: str | dict[str, str] | None = None,
        lambda_reg: float = 1.0,
        lambda_sty: float = 1.0,
        lambda_ds: float = 1.0,
        lambda_cyc: float = 1.0,
        lambda_ms: float = 0.0,
        ds_iter: int = 100_000,
        average_decay: float = 0.999,
        average_warmup: bool = False,
        configuration: str = "F",
        reg_every: int = 1,
        seed: int = 0,
        **kwargs,
    ) -> None:
        domains = _domains(num_domains, domains)
        if configuration not in CONFIGURATIONS:
            raise ValueError(
                f"configuration must be one of {', '.join(CONFIGURATIONS)}; received "
                f"{configuration!r}. (A is the class StarGAN.)"
            )
        if configuration == "B" and w_hpf:
            raise ValueError(
                "Configuration B has StarGAN's generator, without a high-pass filter; "
                f"received w_hpf={w_hpf}."
            )
        if fan is not None and not w_hpf:
            raise ValueError(
                "A FAN serves the high-pass filter only; received fan with w_hpf=0."
            )
        if lambda_ms and configuration not in ("E", "F"):
            raise ValueError(
                "The mode-seeking term compares two styles, of configurations E and F; "
                f"received lambda_ms={lambda_ms} with configuration {configuration!r}."
            )
        if ds_iter < 1:
            raise ValueError(f"ds_iter must be at least 1; received {ds_iter}.")
        if not 0 <= average_decay <= 1:
            raise ValueError(
                f"average_decay must be from 0 to 1; received {average_decay}."
            )
        if reg_every < 1:
            raise ValueError(f"reg_every must be at least 1; received {reg_every}.")
        style_dim = style_size(configuration, style_dim, latent_dim, len(domains))
        labels = LabelSpace.of(domains)
        super().__init__(image_size, labels, style_dim, seed=seed, **kwargs)
        self.num_domains = None  # `domains` says it.
        self.domains = domains
        self.latent_dim = latent_dim
        self.style_dim = style_dim
        self.hidden_dim = hidden_dim
        self.base_dim = base_dim
        self.max_dim = max_dim
        self.w_hpf = w_hpf
        self.lambda_reg = lambda_reg
        self.lambda_sty = lambda_sty
        self.lambda_ds = lambda_ds
        self.lambda_cyc = lambda_cyc
        self.lambda_ms = lambda_ms
        self.crosses_replicas = lambda_ms > 0  # By a ratio of means.
        self.ds_iter = ds_iter
        self.average_decay = average_decay
        self.average_warmup = average_warmup
        self.configuration = configuration
        self.reg_every = reg_every

        makers = network_makers(
            configuration, **self.network_settings, dtype=self.dtype_policy
        )
        for name, make in makers.items():
            setattr(self, name, make(name=name))
        for name in self.averaged:
            self.add_average(name, makers[name])
        self.fan = None
        if w_hpf:
            network = FAN(name="fan", dtype=self.float_dtype)
            self.add_frozen("fan", network, load_weights, _FAN_HELP, fan)
        self.built = True

    def make_optimizers(
        self, learning_rate: float = 1e-4, mapping_learning_rate: float = 1e-6
    ) -> dict[str, Adam]:
        """The published optimizer of each network.

        Adam with beta1 0, beta2 0.99 and coupled weight decay 1e-4 (the paper's
        appendix).

        Args:
            learning_rate: learning rate of all networks but the mapping network.
            mapping_learning_rate: learning rate of the mapping network.
        """
        return {
            name: published_adam(
                mapping_learning_rate if name == "mapping_network" else learning_rate
            )
            for name in (*AVERAGED, "discriminator")
            if name in self.networks
        }

    # Training.

    @property
    def updates(self) -> tuple[Update, ...]:
        """D on latents, D on references, then G, F, E on latents, G on references."""
        of_d = {"real": 1.0, "fake": 1.0, "reg": self.lambda_reg}
        of_g = {
            "adv": 1.0,
            "sty": self.lambda_sty,  # In B and C, the term is always 0.
            "ds": 0.0,
            "cyc": self.lambda_cyc,
        }
        if self.configuration == "F":
            of_g["ds"] = lambda: -self.diversity_weight()
        of_ms = {"ms": self.lambda_ms} if self.lambda_ms else {}
        trained = [name for name in AVERAGED if getattr(self, name).trainable_weights]

        def update(name, losses, styles, weights, *networks):
            lazy = {"reg": self.reg_every} if "reg" in weights else {}
            loss = functools.partial(losses, styles)
            return Update(name, loss, weights, networks, lazy=lazy)

        d, g = self._discriminator_losses, self._generator_losses
        latent, reference = self._latent_styles, self._reference_styles
        by_latents = (
            update("D_latent", d, latent, of_d, "discriminator"),
            update("G_latent", g, latent, of_g | of_ms, *trained),
        )
        if self.configuration in ("B", "C", "D"):
            return by_latents
        by_references = (
            update("D_ref", d, reference, of_d, "discriminator"),
            update("G_ref", g, reference, of_g, "generator"),
        )
        return tuple(itertools.chain(*zip(by_latents, by_references, strict=True)))

    def diversity_weight(self) -> Any:
        """The weight of the diversity term at the present step."""
        done = ops.cast(self.step, self.float_dtype) / self.ds_iter
        return self.lambda_ds * ops.maximum(1.0 - done, 0.0)

    def name_batch(self, x: Any, y: Any = None) -> dict[str, Any]:
        """The named tensors of what `fit` was given."""
        if isinstance(x, dict):
            return x
        try:
            images, domains = x
            references, other_references, target_domains = y
        except (TypeError, ValueError) as error:
            raise ValueError(f"Batches are not as needed. {_BATCHES}") from error
        return {
            "images": images,
            "domains": domains,
            "references": references,
            "other_references": other_references,
            "target_domains": target_domains,
        }

    def prepare(self, batch: dict[str, Any]) -> dict[str, Any]:
        """The tensors as the networks take them, and masks, which all updates share."""
        prepared = {
            name: ops.cast(
                values, "int32" if name.endswith("domains") else self.float_dtype
            )
            for name, values in batch.items()
        }
        if self.w_hpf:
            prepared["masks"] = self.make_masks(prepared["images"])
        return prepared

    def draw(self, draws: Draws, batch: dict[str, Any]) -> dict[str, Any]:
        """Two latent codes for each image; for B, where between two images to look."""
        count = num_rows(batch)
        latents = (count, self.latent_dim)
        drawn = {name: draws.normal(name, latents) for name in ("z", "z2")}
        if self.configuration == "B":
            drawn["alpha"] = draws.uniform("alpha", (count,))
        return drawn

    def make_masks(self, images: Any) -> Any:
        """The two masks of faces that the high-pass filter takes, `(n, 256, 256, 2)`.

        Args:
            images: `(n, image_size, image_size, 3)` in [-1, 1], of aligned faces.

        Raises:
            ValueError: if the FAN has no weights.
        """
        self.frozen["fan"].check()
        return masks_of_heatmaps(self.fan(images))

    def _latent_styles(self, batch, draws):
        """Styles of the target domains, then others of them, each when asked for."""
        for name in ("z", "z2"):
            inputs = [draws[name], batch["target_domains"]]
            yield self.mapping_network(inputs, training=True)

    def _reference_styles(self, batch, draws):
        for name in ("references", "other_references"):
            inputs = [batch[name], batch["target_domains"]]
            yield self.style_encoder(inputs, training=True)

    def _seeks_modes(self, styles_from):
        """Whether an update has the mode-seeking term: that by latent codes."""
        return self.lambda_ms > 0 and styles_from == self._latent_styles

    def _discriminator_losses(self, styles_from, batch, draws, without=()):
        styles = styles_from(batch, draws)
        masks = [batch["masks"]] if self.w_hpf else []

        def translated(styles):
            return self.generator([batch["images"], styles, *masks], training=True)

        given = {
            "discriminator": functools.partial(self.discriminator, training=True),
            "real": batch["images"],
            "domains": batch["domains"],
            "fake": translated(next(styles)),
            "target_domains": batch["target_domains"],
            "input_gradient": input_gradient,
            "without": without,
        }
        if self.configuration == "B":
            return wasserstein_discriminator_losses(**given, alpha=draws["alpha"])
        if self._seeks_modes(styles_from):
            given["other_fake"] = translated(next(styles))
        return discriminator_losses(**given)

    def _generator_losses(self, styles_from, batch, draws):
        styles, other_styles = styles_from(batch, draws)
        latents = [draws["z"], draws["z2"]]
        return generator_losses(
            functools.partial(self.generator, training=True),
            functools.partial(self.style_encoder, training=True),
            functools.partial(self.discriminator, training=True),
            batch["images"],
            batch["domains"],
            batch["target_domains"],
            styles,
            other_styles,
            masks=batch.get("masks"),
            make_masks=self.make_masks if self.w_hpf else None,
            adversarial=(
                wasserstein_loss if self.configuration == "B" else adversarial_loss
            ),
            latents=latents if self._seeks_modes(styles_from) else None,
        )

    def check_batch(self, batch: dict[str, Any]) -> None:
        """Raises `ValueError` unless a batch is what `fit` needs."""
        needed = ("images", "domains", "references", "other_references")
        if missing := [n for n in (*needed, "target_domains") if n not in batch]:
            raise ValueError(f"Batches must have {missing[0]!r}. {_BATCHES}")
        batch = {name: np.asarray(values) for name, values in batch.items()}
        images = batch["images"]
        check_images(images, self.image_size)
        for name in ("references", "other_references"):
            check_images(batch[name], self.image_size, "references")
        # Out of range, the networks would give zeros and say nothing.
        self.domains.to_indices(batch["domains"], len(images), "domains")
        self.domains.to_indices(
            batch["target_domains"], len(images), "reference_domains"
        )
        counts = [len(batch[name]) for name in ("references", "other_references")]
        if counts != [len(images)] * 2:
            raise ValueError(
                f"There must be two references for each of {len(images)} images; "
                f"received {counts[0]} and {counts[1]}."
            )
        warn_if_unsigned(images)
        if self.w_hpf and not self.has_fan:
            self.frozen["fan"].check()

    # Use.

    @property
    def size_multiple(self) -> int | None:
        """As the generator halves its images; None with masks, which are of squares."""
        if self.w_hpf:
            return None
        return 4 if self.configuration == "B" else 2 ** halvings(self.image_size)[0]

    def translate_batch(self, images: Any, conditions: Any) -> Any:
        """Translates images to styles `(n, style_dim)` by the averaged generator."""
        masks = [self.make_masks(images)] if self.w_hpf else []
        return self.average_generator([images, conditions, *masks])

    def latent_conditions(self, latents: Any, targets: Any) -> Any:
        """Styles of latent codes by the averaged mapping network, F(z, y)."""
        return self.average_mapping_network([latents, _indices(targets)])

    def reference_conditions(self, references: Any, targets: Any) -> Any:
        """Styles of reference images by the averaged style encoder, E(x, y)."""
        return self.average_style_encoder([references, _indices(targets)])

    @property
    def has_fan(self) -> bool:
        """Whether there is a FAN that has its weights."""
        return self.fan is not None and self.frozen["fan"].has_weights

    @property
    def network_settings(self) -> dict[str, Any]:
        """What the networks are made from, and their weight tables."""
        settings = {name: getattr(self, name) for name in NETWORK_SETTINGS}
        return settings | {"num_domains": len(self.domains)}


_FAN_HELP = (
    "The high-pass filter (w_hpf above 0) needs a trained FAN to find the parts of "
    "faces: load_fan of keras_stargan.pretrained.fan.pytorch reads wing.ckpt; or use "
    "w_hpf=0."
)
_BATCHES = (
    "They must be ((images, domains), (references, other_references, "
    "target_domains)), as keras_stargan.data.reference_dataset gives; or a dictionary "
    "with these names."
)


def published_adam(learning_rate: float = 1e-4) -> Adam:
    """StarGAN v2's optimiser: beta1 0, beta2 0.99, coupled weight decay 1e-4.

    Args:
        learning_rate: the rate; the published one of the mapping network is 1e-6.
    """
    return Adam(learning_rate, beta_1=0.0, beta_2=0.99, coupled_weight_decay=1e-4)


def _domains(num_domains: int | None, domains: Any) -> LabelSet:
    if num_domains is not None and domains is not None:
        raise ValueError("Give num_domains or domains, not both.")
    if domains is None:
        num_domains = 2 if num_domains is None else num_domains
        if num_domains < 1:
            raise ValueError(f"num_domains must be at least 1; received {num_domains}.")
        domains = numbered_labels(num_domains)
    space = LabelSpace.of(domains)
    if len(space.sets) > 1 or space.sets[0].kind != "categorical":
        raise ValueError(
            "The domains of StarGAN v2 are one categorical LabelSet; received "
            f"{domains!r}."
        )
    return space.sets[0]


def _indices(targets: Any) -> Any:
    """The number of the domain of each label vector."""
    # Of floats, Keras' argmax looks at the bits of zeros, which ONNX cannot do.
    return ops.argmax(ops.cast(ops.round(targets), "int32"), axis=-1)
