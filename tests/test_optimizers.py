"""Adam with PyTorch's clipping of gradients."""

import keras
import numpy as np
import tensorflow as tf
import torch
from replicas import two_replicas

from keras_stargan.training import Adam

LIMIT = 5.0
RNG = np.random.default_rng(0)
VALUES = [RNG.normal(size=(3, 2)), RNG.normal(size=4)]
# The norm of the first step's gradients is above the limit, the second's below.
GRADIENTS = [[c * RNG.normal(size=v.shape) for v in VALUES] for c in (9.0, 0.3)]


def make():
    variables = [keras.Variable(value, dtype="float64") for value in VALUES]
    optimizer = Adam(0.1, coupled_weight_decay=0.2, max_global_norm=LIMIT)
    optimizer.build(variables)
    return optimizer, variables


def pytorch_weights():
    """The weights after both steps, as PyTorch moves them."""
    parameters = [torch.nn.Parameter(torch.tensor(value)) for value in VALUES]
    optimizer = torch.optim.Adam(parameters, 0.1, (0.5, 0.999), weight_decay=0.2)
    for gradients in GRADIENTS:
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.grad = torch.tensor(gradient)
        torch.nn.utils.clip_grad_norm_(parameters, LIMIT)
        optimizer.step()
    return [parameter.detach().numpy() for parameter in parameters]


def assert_as_in_pytorch(variables):
    for variable, expected in zip(variables, pytorch_weights(), strict=True):
        np.testing.assert_allclose(variable, expected, rtol=1e-12)


def test_gradients_are_clipped_as_in_pytorch():
    optimizer, variables = make()
    for gradients in GRADIENTS:
        optimizer.apply([tf.constant(g) for g in gradients], variables)
    assert_as_in_pytorch(variables)


def test_replicas_gradients_are_added_up_before_they_are_clipped():
    strategy = two_replicas()
    with strategy.scope():
        optimizer, variables = make()

    @tf.function
    def step(gradients):
        def of_one():
            replica = tf.distribute.get_replica_context().replica_id_in_sync_group
            # One has four times the sum, the other takes three times of it away.
            share = tf.gather(tf.constant([4.0, -3.0], tf.float64), replica)
            optimizer.apply([share * gradient for gradient in gradients], variables)

        strategy.run(of_one)

    for gradients in GRADIENTS:
        step([tf.constant(g) for g in gradients])
    assert_as_in_pytorch(variables)


def test_the_limit_is_saved():
    again = Adam.from_config(Adam(max_global_norm=LIMIT).get_config())
    assert again.max_global_norm == LIMIT
