"""Serves an exported model with NVIDIA Triton, which joins requests into batches.

    pip install nvidia-pytriton tensorflow
    keras-stargan export --model=runs/v1_rafd --output_dir=models/faces/1
    python examples/triton_server.py models/faces/1

Each signature is a model of Triton's at http://localhost:8000 (gRPC: port 8001).
"""

import sys

import numpy as np
import tensorflow as tf
from pytriton.decorators import batch
from pytriton.model_config import DynamicBatcher, ModelConfig, Tensor
from pytriton.triton import Triton


def shape_of(spec: tf.TensorSpec) -> tuple[int, ...]:
    """The shape of a row. Triton wants at least one axis besides the batch's."""
    return tuple(spec.shape[1:]) or (1,)


def bind(triton: Triton, name: str, signature) -> None:
    """Lets Triton run a signature."""
    inputs = signature.structured_input_signature[1]
    outputs = signature.structured_outputs

    def described(specs: dict[str, tf.TensorSpec]) -> list[Tensor]:
        kinds = {key: spec.dtype.as_numpy_dtype for key, spec in specs.items()}
        return [Tensor(shape_of(specs[key]), kinds[key], key) for key in specs]

    @batch
    def infer(**arrays: np.ndarray) -> dict[str, np.ndarray]:
        rows = {key: arrays[key].reshape(-1, *inputs[key].shape[1:]) for key in arrays}
        found = signature(**{key: tf.constant(rows[key]) for key in rows})
        return {k: found[k].numpy().reshape(-1, *shape_of(outputs[k])) for k in found}

    batcher = DynamicBatcher(max_queue_delay_microseconds=2000)
    config = ModelConfig(max_batch_size=16, batcher=batcher)
    triton.bind(name, infer, described(inputs), described(outputs), config=config)


if __name__ == "__main__":
    model = tf.saved_model.load(sys.argv[1])
    with Triton() as triton:
        for name, signature in model.signatures.items():
            if signature.structured_input_signature[1]:  # not the names of labels
                bind(triton, name, signature)
        triton.serve()
