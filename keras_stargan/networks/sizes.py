"""The image sizes that a network can take."""


def check_size(image_size: int, halvings: int, network: str) -> None:
    """Raises `ValueError` unless the size can be halved evenly so many times.

    Args:
        image_size: height and width of the images in pixels.
        halvings: number of layers of the network that halve the size.
        network: the network's name in the message, such as "generator".
    """
    factor = 2**halvings
    if image_size < factor or image_size % factor:
        raise ValueError(
            f"The {network} halves its images {halvings} times, so image_size must be "
            f"a multiple of {factor}; received {image_size}."
        )
