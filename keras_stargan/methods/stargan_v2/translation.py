"""What a trained StarGAN v2 does: styles, and translations in them."""

from typing import Any

import numpy as np

from keras_stargan.images import check_images
from keras_stargan.networks.batches import in_batches

# Of so many styles is the mean that truncation moves towards.
TRUNCATION_SAMPLES = 10_000


class StyleTranslation:
    """The part of `StarGANv2` that uses its averaged networks."""

    def styles_of_latents(
        self, latents: Any, domain: Any, psi: float = 1.0, batch_size: int = 256
    ) -> np.ndarray:
        """Styles of a domain from latent codes, by the averaged mapping network.

        Args:
            latents: `(n, latent_dim)`, normally distributed.
            domain: its name or number, or `(n,)` numbers.
            psi: truncation: 1 for the styles themselves, less for styles nearer to
                the mean of the domain's.
            batch_size: how many are computed at once.

        Returns:
            A float32 array `(n, style_dim)`.

        Raises:
            ValueError: for another shape or an unknown domain.
        """
        latents = np.asarray(latents, "float32")
        if latents.ndim != 2 or latents.shape[1] != self.latent_dim or not len(latents):
            raise ValueError(
                f"latents must have shape (n, {self.latent_dim}), n > 0; received "
                f"{latents.shape}."
            )
        domains = self.domains.to_indices(domain, len(latents), "domain")
        styles = in_batches(
            lambda z, y: self.average_mapping_network([z, y]),
            batch_size,
            latents,
            domains,
        )
        if psi == 1.0:
            return styles
        means = {number: self.mean_style(number) for number in np.unique(domains)}
        mean = np.stack([means[number] for number in domains])
        return (mean + np.float32(psi) * (styles - mean)).astype("float32")

    def mean_style(self, domain: Any, seed: int = 0) -> np.ndarray:
        """The mean style of a domain, of 10,000 latent codes: `(style_dim,)`.

        Args:
            domain: its name or number.
            seed: of the latent codes.
        """
        shape = (TRUNCATION_SAMPLES, self.latent_dim)
        latents = np.random.default_rng(seed).standard_normal(shape, "float32")
        return self.styles_of_latents(latents, domain).mean(axis=0)

    def styles_of_references(
        self, references: Any, domain: Any, batch_size: int = 32
    ) -> np.ndarray:
        """The styles of images of a domain, by the averaged style encoder.

        Args:
            references: `(n, image_size, image_size, 3)`, values from -1 to 1.
            domain: theirs: its name or number, or `(n,)` numbers.
            batch_size: how many are looked at at once.

        Returns:
            A float32 array `(n, style_dim)`.

        Raises:
            ValueError: for other shapes, values or an unknown domain.
        """
        references = np.asarray(references, "float32")
        check_images(references, self.image_size, "references")
        return in_batches(
            lambda x, y: self.average_style_encoder([x, y]),
            batch_size,
            references,
            self.domains.to_indices(domain, len(references), "domain"),
        )

    def translate(
        self,
        images: Any,
        domain: Any = None,
        latents: Any = None,
        references: Any = None,
        styles: Any = None,
        psi: float = 1.0,
        batch_size: int = 32,
    ) -> np.ndarray:
        """Translates images to a domain, in styles of latents or references.

        Args:
            images: `(n, image_size, image_size, 3)`, values from -1 to 1.
            domain: to which: its name or number, or `(n,)` numbers. Of the
                references, too. Not with `styles`, which are of a domain already.
            latents: `(n, latent_dim)`, or one for all images, `(1, latent_dim)`.
            references: as the images, or one for all of them.
            styles: `(n, style_dim)`, or one for all images: instead of both.
            psi: truncation of the latents' styles, as for `styles_of_latents`.
            batch_size: how many are translated at once.

        Returns:
            A float32 array `(n, image_size, image_size, 3)`, values from -1 to 1.

        Raises:
            ValueError: for other shapes or values, an unknown domain, or not exactly
                one of `latents`, `references` and `styles`.
        """
        images = np.asarray(images, "float32")
        check_images(images, self.image_size)
        given = {"latents": latents, "references": references, "styles": styles}
        given = [name for name, value in given.items() if value is not None]
        if len(given) != 1:
            raise ValueError(
                "Give one of latents, references and styles; received "
                f"{' and '.join(given) or 'none'}."
            )
        if (domain is None) == (styles is None):
            raise ValueError(
                "Give the domain of latents or references, and none with styles; "
                f"received domain={domain!r} with {given[0]}."
            )
        if styles is None:
            domain = self.domains.to_indices(domain, len(images), "domain")
            sources = np.asarray(latents if references is None else references)
            if len(sources) == 1 and np.all(domain == domain[0]):
                domain = domain[:1]
            if len(sources) not in (1, len(images)):
                raise ValueError(
                    f"There must be as many {given[0]} as images, {len(images)}, or "
                    f"one for all; received {len(sources)}."
                )
            if len(sources) < len(domain):
                sources = np.repeat(sources, len(domain), axis=0)
            styles = (
                self.styles_of_references(sources, domain)
                if latents is None
                else self.styles_of_latents(sources, domain, psi)
            )
        styles = np.asarray(styles, "float32")
        if len(styles) == 1:
            styles = np.repeat(styles, len(images), axis=0)
        if styles.shape != (len(images), self.style_dim):
            raise ValueError(
                f"styles must have shape ({len(images)}, {self.style_dim}) or "
                f"(1, {self.style_dim}); received {styles.shape}."
            )
        outputs = in_batches(lambda x, s: self([x, s]), batch_size, images, styles)
        # The generator ends without tanh.
        return np.clip(outputs, -1.0, 1.0)
