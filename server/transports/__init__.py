"""How live video comes and goes."""
