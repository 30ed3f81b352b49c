"""Settings of the mass spectrum."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from perrin.settings.base import Resamples, Settings


class SpectrumSettings(Settings):
    """How events become a histogram, peaks and a mixture; widths and limits in kDa.

    A spectrum of contrasts uses the same numbers, turned into contrast with
    `perrin.mass.spectrum.CONTRAST_PER_KDA`.
    """

    bin_width_kda: float = Field(
        5.0, gt=0, description="bins of the histogram and of the Gaussian fit behind the FWHM"
    )
    range_kda: tuple[float, float] = Field(
        (-5000.0, 5000.0),
        description="events outside are counted and left out; 5 MDa is what instruments reach",
    )
    kernel_kda: float = Field(
        3.0, gt=0, description="standard deviation of the density's kernel at zero mass"
    )
    kernel_growth: float = Field(
        0.015, ge=0, lt=0.5, description="its growth with mass, added in squares: 1.5% of m"
    )
    peak_significance: float = Field(
        4.0,
        gt=0,
        description="a peak's rise above its valley, in standard errors of the density; at 4 a "
        "structureless background shows a false peak in at most one spectrum of twenty",
    )
    detection_limit_kda: float | None = Field(
        None, ge=0, description="smallest mass that could be seen; none: the smallest seen"
    )
    min_fwhm_kda: float = Field(
        10.0, gt=0, description="no component is narrower: the error of one event makes 12"
    )
    resamples: Resamples = 200
    confidence: float = Field(0.95, gt=0.5, lt=1, description="probability of each interval")

    @model_validator(mode="after")
    def _range_is_ordered(self) -> Self:
        low, high = self.range_kda
        if not low < high or high <= 0:
            raise ValueError(
                f"range_kda is {self.range_kda}; it needs the lower end first and an upper end "
                "above 0, such as (-1000, 1000)"
            )
        return self
