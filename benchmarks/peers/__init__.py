"""What Sightline is measured beside: other ways to serve the same model, each in an environment of its own."""
