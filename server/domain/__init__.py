"""What Sightline talks about: values and boundaries, on numpy and the standard library only."""
