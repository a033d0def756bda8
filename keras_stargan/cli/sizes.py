"""Sizes of pictures on the command line."""


def parse_size(text: str | None, also: str = "") -> tuple[int, int] | None:
    """The height and width that a text such as 96x128 names.

    Args:
        text: the value of --size; None if it is not given.
        also: what else the flag takes, for the error.

    Raises:
        ValueError: for another text.
    """
    if text is None:
        return None
    sides = text.split("x")
    if len(sides) != 2 or not all(side.isdecimal() for side in sides):
        raise ValueError(
            f"--size is a height and a width, such as 96x128{also}; received {text}."
        )
    return (int(sides[0]), int(sides[1]))
