"""The live line from the newest frame to the annotated picture."""
