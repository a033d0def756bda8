"""Readers of data sets: first list and split the files, then prepare the images."""
