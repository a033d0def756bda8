"""Alignment of faces: all of the same size, upright and in the same place."""
