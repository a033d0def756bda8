"""Alignment of faces."""
