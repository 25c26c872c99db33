"""Notes that the tests of valuation share."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from notecalc.core.convertible.terms import ConversionWindow, Convertible
from notecalc.core.notes import Notes
from notecalc.core.schedule import resolve

# Semi-analytic values and published tables, with their origin: see the file.
VECTORS = Path(__file__).parents[2] / "data" / "convertible.json"


@pytest.fixture(scope="session")
def vectors():
    return json.loads(VECTORS.read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def make():
    """A builder of convertibles: 8% for three years from 2004-06-18 into 100 / 1.85 shares, unless told otherwise."""

    def build(price=1.85, conversions=None, accrued_on_conversion="forfeited", terms=None, **of_note):
        note = {
            "issue_date": "2004-06-18",
            "maturity": "2007-06-18",
            "principal": 100,
            "annual_rate": 0.08,
            "frequency": 2,
            "day_count": "30/360",
        }
        return Convertible(
            periods=resolve(Notes(**(note | of_note))),
            conversions=conversions or [ConversionWindow(conversion_price=price)],
            accrued_on_conversion=accrued_on_conversion,
            **(terms or {}),
        )

    return build


@pytest.fixture(scope="session")
def yearly(make):
    """A builder of notes whose dates are whole days of 365 to the year: times are exact."""

    def build(days, *, rate=0.0, price=1.0, **rest):
        start = np.datetime64("2005-01-01")
        return make(
            price,
            issue_date=start,
            maturity=start + days,
            annual_rate=rate,
            frequency=0 if not rate else 1,
            day_count="actual/365 fixed",
            **rest,
        )

    return build
