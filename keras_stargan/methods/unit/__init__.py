"""UNIT (Liu et al., NIPS 2017)."""
