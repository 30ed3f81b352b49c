"""Tables as a card holds them."""

from __future__ import annotations

from typing import Any

import pandas as pd


def card_rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table: rounded, None where there is no number."""
    rounded = table.round(4).astype(object)
    return [
        {str(name): value for name, value in row.items()}
        for row in rounded.where(table.notna(), None).to_dict("records")
    ]
