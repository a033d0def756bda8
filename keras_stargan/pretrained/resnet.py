"""ResNet-18, the judge of the paper's evaluation."""

import keras

from keras_stargan.labels import LabelSet


def build_resnet18(image_size: int, label_set: LabelSet, seed: int = 0) -> keras.Model:
    """ResNet-18 (He et al., CVPR 2016), keras-cv's, from images to logits.

    Without pretrained weights: StarGAN's paper trains it on the data set alone.

    Args:
        image_size: side of the square images in pixels.
        label_set: the labels to tell apart.
        seed: for the initial weights.

    Returns:
        A model, not compiled, from float images of shape
        (n, image_size, image_size, 3) in [-1, 1] to logits (n, number of labels).

    Raises:
        ImportError: without keras-cv.
    """
    try:
        from keras_cv.models import ResNetBackbone
    except ImportError as error:
        raise ImportError(
            "ResNet-18 is keras-cv's, which is not installed: "
            "pip install 'keras-stargan[evaluation]'."
        ) from error
    # By its parts, since keras-cv's ResNet18Backbone asks the network for them.
    backbone = ResNetBackbone(
        stackwise_filters=[64, 128, 256, 512],
        stackwise_blocks=[2, 2, 2, 2],
        stackwise_strides=[1, 2, 2, 2],
        block_type="basic_block",
        include_rescaling=False,  # from bytes; these images are in [-1, 1]
        input_shape=(image_size, image_size, 3),
    )
    seeds = keras.random.SeedGenerator(seed)
    # keras-cv's arguments reach neither of these.
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Conv2D):
            he_normal = keras.initializers.HeNormal(seed=seeds)
            layer.kernel.assign(he_normal(layer.kernel.shape))
        elif isinstance(layer, keras.layers.BatchNormalization):
            # A shorter memory, for statistics that have settled after few steps.
            layer.momentum = 0.9
    x = keras.layers.GlobalAveragePooling2D()(backbone.output)
    outputs = keras.layers.Dense(
        len(label_set),
        kernel_initializer=keras.initializers.GlorotUniform(seed=seeds),
        dtype="float32",  # also under mixed precision
    )(x)
    return keras.Model(backbone.input, outputs, name="resnet18")
