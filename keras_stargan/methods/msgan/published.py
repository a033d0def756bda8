"""MSGAN as it was published (`HelenMao/MSGAN`, its folder for DRIT)."""

from __future__ import annotations

from keras_stargan.methods.drit import published as drit

# Those of DRIT.
PUBLISHED, SMALL, TINY = drit.PUBLISHED, drit.SMALL, drit.TINY
check_settings = drit.check_settings
