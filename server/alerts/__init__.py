"""When detections are worth telling a person about."""
