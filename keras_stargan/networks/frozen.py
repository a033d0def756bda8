"""Pretrained networks inside a model, which training does not change."""

from __future__ import annotations

import hashlib
import json
import os
import warnings
from collections.abc import Callable
from typing import Any

import keras
import numpy as np


class FrozenNetwork:
    """A pretrained network of a model, and the file that its weights come from.

    A saved model refers to that file by its path and its SHA-256 (`reference`) and does
    not contain the network's weights, which are large and never change. Weights that
    come from no such file stay in the saved model; so do those of `.keras` files that
    were written before there were references.

    Args:
        network: the network. It is made not trainable.
        read: takes the network and a file, and gives the network the file's weights.
        help: what the network is needed for and how it gets its weights; the error of
            a network without weights begins with it.
    """

    def __init__(
        self,
        network: keras.Model,
        read: Callable[[keras.Model, str | os.PathLike], None],
        help: str,
    ) -> None:
        network.trainable = False
        self.network = network
        self.has_weights = False
        # Whether a saved model has the network's structure, too.
        self.is_contained = False
        self.reference: dict[str, str] | None = None
        self._read = read
        self._help = help
        self._problem = ""
        # Keras saves each layer's weights by the layer's own methods.
        for layer in network._flatten_layers():
            self._keep_out_of_files(layer)

    @property
    def config(self) -> dict[str, Any] | None:
        """What the configuration of a saved model has of the network."""
        if self.is_contained and self.reference is None:
            config = keras.saving.serialize_keras_object(self.network)
            # As a file has it, which a checkpoint's configuration is compared with.
            return json.loads(json.dumps(config))
        return self.reference

    def load(self, file: str | os.PathLike) -> None:
        """Reads the weights, and refers to the file from now on.

        Warns if saved weights of the model refer to a file of another content.

        Args:
            file: a file as `read` takes it.

        Raises:
            OSError: if there is no such file.
            Exception: whatever `read` raises.
        """
        digest = _sha256(file)
        self._read(self.network, file)
        if self.reference and self.reference["sha256"] != digest:
            warnings.warn(
                f"{file} has the SHA-256 {digest}, but the model was saved with "
                f"{_named(self.reference)}.",
                stacklevel=3,
            )
        self.reference = {"file": os.path.abspath(file), "sha256": digest}
        self.has_weights = True

    def find(self, reference: dict[str, str]) -> None:
        """Reads the file that a saved model refers to, if it is still there.

        If it is not, `check` raises an error that says why.

        Args:
            reference: the file's path and SHA-256, as in `reference`.

        Raises:
            ValueError: unless it has these two entries.
        """
        if not isinstance(reference, dict) or set(reference) != {"file", "sha256"}:
            raise ValueError(
                "A frozen network is given as {'file': path, 'sha256': hexadecimal "
                f"digits of the file's SHA-256}}; received {reference!r}."
            )
        self.reference = dict(reference)
        try:
            if _sha256(reference["file"]) != reference["sha256"]:
                raise ValueError("The file there has another SHA-256 now.")
            self._read(self.network, reference["file"])
        # Without PyTorch or the file, all that does not need the network still works.
        except (ImportError, OSError, ValueError) as error:
            self._problem = (
                f" The model was saved with {_named(reference)}, which could not be "
                f"read: {error}"
            )
        else:
            self.has_weights = True

    def save(self, file: str | os.PathLike) -> None:
        """Writes the network with its weights as a model of its own.

        Args:
            file: whose name ends in `.keras`; replaced if it exists.

        Raises:
            ValueError: if there are no weights.
        """
        self.check()
        # The network's own layers may be told to keep their weights out of files.
        copy = type(self.network).from_config(self.network.get_config())
        copy.set_weights(self.network.get_weights())
        copy.save(file)

    def check(self) -> None:
        """Raises `ValueError`, with the way to get them, if there are no weights."""
        if not self.has_weights:
            raise ValueError(self._help + self._problem)

    def _keep_out_of_files(self, layer: keras.Layer) -> None:
        save, load = layer.save_own_variables, layer.load_own_variables

        def save_own_variables(store: Any) -> None:
            if self.has_weights and self.reference is None:
                save(store)

        def load_own_variables(store: Any) -> None:
            # A model that refers to a file has its weights already.
            if store.keys() and self.reference is None:
                load(store)
                # Earlier versions also saved networks that nobody had given weights.
                last = self.network.weights[-1]
                is_last = layer.weights and layer.weights[-1] is last
                if is_last and not self.has_weights:
                    self.has_weights = bool(np.any(keras.ops.convert_to_numpy(last)))

        layer.save_own_variables = save_own_variables
        layer.load_own_variables = load_own_variables


def _sha256(file: str | os.PathLike) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as opened:
        while block := opened.read(2**20):
            digest.update(block)
    return digest.hexdigest()


def _named(reference: dict[str, str]) -> str:
    return f"{reference['file']} (SHA-256 {reference['sha256']})"
