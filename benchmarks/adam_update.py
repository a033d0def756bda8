"""Times one update of the 45 million weights of the full discriminator.

Our Adam and Keras' Adam take turns. The program prints the ratio of their times.
"""

import os
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import tensorflow as tf

import keras_stargan
from keras_stargan.methods.stargan.networks import Discriminator


def main() -> None:
    """Four turns of two updates each."""
    variables = Discriminator(128, 8).trainable_variables
    gradients = [tf.fill(variable.shape, 1e-3) for variable in variables]
    updates = {}
    for name, optimizer in {
        "ours": keras_stargan.Adam(),
        "Keras'": keras.optimizers.Adam(1e-4, beta_1=0.5),
    }.items():
        optimizer.build(variables)
        updates[name] = tf.function(
            lambda optimizer=optimizer: optimizer.apply(gradients, variables)
        )
        updates[name]()  # traces
    for _ in range(4):
        seconds = {}
        for name, update in updates.items():
            start = time.perf_counter()
            update()
            update()
            seconds[name] = (time.perf_counter() - start) / 2
        ours, keras_own = seconds.values()
        print(f"ours {ours:.3f} s, Keras' {keras_own:.3f} s, {keras_own / ours:.2f}")


if __name__ == "__main__":
    main()
