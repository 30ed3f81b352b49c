"""From contrasts to masses and spectra."""
