"""From pictures and weights to a model that can be served."""
