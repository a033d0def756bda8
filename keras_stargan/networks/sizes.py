"""Which image sizes a network can take."""


def check_size(image_size: int, halvings: int, network: str) -> None:
    """Raises `ValueError` unless a square of this size halves evenly so often.

    Args:
        image_size: height and width of the images in pixels.
        halvings: how many layers of the network halve the size.
        network: its name in the message, such as "generator".
    """
    factor = 2**halvings
    if image_size < factor or image_size % factor:
        raise ValueError(
            f"The {network} halves its images {halvings} times, so image_size must be "
            f"a multiple of {factor}; received {image_size}."
        )
