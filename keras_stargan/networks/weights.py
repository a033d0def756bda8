"""Making the weights of a network before there are images."""

import keras


def make_weights(network: keras.Model, *inputs: keras.KerasTensor) -> None:
    """Calls a network once on symbols, by which all its layers make their weights.

    Args:
        network: whose layers have none yet.
        *inputs: what it takes, as `keras.Input` gives it.
    """
    # Or Keras would call it a second time, to build it.
    network.built = True
    network(inputs[0] if len(inputs) == 1 else list(inputs))
