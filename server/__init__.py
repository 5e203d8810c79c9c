"""Sightline: real-time detection on live video, with YOLOv8, fresh on plain CPUs."""
