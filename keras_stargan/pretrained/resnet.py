"""ResNet-18, which judges translations in StarGAN's evaluation."""

import keras

from keras_stargan.labels import LabelSet


def build_resnet18(image_size: int, label_set: LabelSet, seed: int = 0) -> keras.Model:
    """Builds ResNet-18 (He et al., CVPR 2016) from the layers of keras-cv.

    It has no pretrained weights: StarGAN's paper trains it on the data set alone.

    Args:
        image_size: height and width of the images in pixels.
        label_set: the labels to be predicted.
        seed: decides the initial weights.

    Returns:
        A model, not compiled, from float images of shape
        (n, image_size, image_size, 3) in [-1, 1] to logits (n, number of labels).

    Raises:
        ImportError: if keras-cv is not installed.
    """
    try:
        from keras_cv.models import ResNetBackbone
    except ImportError as error:
        raise ImportError(
            "ResNet-18 is keras-cv's, which is not installed: "
            "pip install 'keras-stargan[evaluation]'."
        ) from error
    # The sizes are given here, since ResNet18Backbone would download them.
    backbone = ResNetBackbone(
        stackwise_filters=[64, 128, 256, 512],
        stackwise_blocks=[2, 2, 2, 2],
        stackwise_strides=[1, 2, 2, 2],
        block_type="basic_block",
        include_rescaling=False,  # It is for bytes; these images are in [-1, 1].
        input_shape=(image_size, image_size, 3),
    )
    seeds = keras.random.SeedGenerator(seed)
    # keras-cv has no arguments for these two settings.
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Conv2D):
            he_normal = keras.initializers.HeNormal(seed=seeds)
            layer.kernel.assign(he_normal(layer.kernel.shape))
        elif isinstance(layer, keras.layers.BatchNormalization):
            # Keras' default, 0.99, needs more steps than a short training has.
            layer.momentum = 0.9
    x = keras.layers.GlobalAveragePooling2D()(backbone.output)
    outputs = keras.layers.Dense(
        len(label_set),
        kernel_initializer=keras.initializers.GlorotUniform(seed=seeds),
        dtype="float32",  # under mixed precision too
    )(x)
    return keras.Model(backbone.input, outputs, name="resnet18")
