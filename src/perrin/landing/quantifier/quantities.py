"""What the quantifier reads from an event: names, units, and how they are defined.

contrast
    Nominal contrast (negative for a landing), over the scale of the history.
residence_time
    Frames on the surface, up to `LONGEST_RESIDENCE`: what stays longer stays.
path_length
    Length of the way that the molecule takes while it moves, pixels.
displacement
    Distance from where it lands to where its motion ends, pixels.
speed
    Path over time in motion, pixels a frame; only of molecules that move.
"""

from __future__ import annotations

TARGETS = ("contrast", "residence_time", "path_length", "displacement", "speed")
INTEGRATION = 10
"""The n_avg whose stacks it sees, whatever that of the analysis: 30 frames before the landing
and 29 after it. Farther away drift and dynamic speckle add more than shot noise loses."""
LONGEST_RESIDENCE = 24.0
QUANTILES = (0.05, 0.5, 0.95)
