"""From frames to events: ratiometric movie, detection, fit, thumbnails."""
