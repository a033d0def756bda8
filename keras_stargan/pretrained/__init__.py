"""Networks that are trained elsewhere, and judge or align images."""
