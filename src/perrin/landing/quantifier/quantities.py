"""What the quantifier reads from an event: names, units, and how they are defined.

contrast
    Nominal contrast (negative for a landing), over the scale of the history.
stay
    Frames on the surface, up to `LONGEST_STAY`: what stays longer stays.
path
    Length of the way that the molecule takes while it moves, pixels.
net
    Distance from where it lands to where its motion ends, pixels.
speed
    Path over time in motion, pixels a frame; only of molecules that move.
"""

from __future__ import annotations

TARGETS = ("contrast", "stay", "path", "net", "speed")
INTEGRATION = 10
"""The n_avg whose stacks it sees, whatever that of the analysis: 30 frames before the landing
and 29 after it. Farther away drift and dynamic speckle add more than shot noise loses."""
LONGEST_STAY = 24.0
QUANTILES = (0.05, 0.5, 0.95)
