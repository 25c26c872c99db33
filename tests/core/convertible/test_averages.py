"""What holds on average to each date, and what holds between dates, say the same."""

from __future__ import annotations

import numpy as np
import pytest

import notecalc as nc

DAY, DATES = "2004-06-18", ["2005-06-18", "2006-06-18", "2007-06-18"]
YEARS = np.array([1.0, 2.0, 3.0])  # of 365 days: none of 29 February lies between


def test_variances_between_dates_add_up_to_those_quoted() -> None:
    steps = nc.volatility_steps(DAY, DATES, [0.6, 0.5, 0.5])
    assert steps.values**2 == pytest.approx([0.36, 0.5 - 0.36, 0.75 - 0.5], abs=1e-15)


def test_rates_between_dates_give_the_chances_of_survival_quoted() -> None:
    steps = nc.credit_steps(DAY, DATES, [0.08, 0.09, 0.06])
    assert np.cumprod(np.exp(-steps.values)) == pytest.approx(np.exp(-YEARS * [0.08, 0.09, 0.06]), abs=1e-15)


def test_one_number_for_every_term_is_that_number_between_them() -> None:
    days = ["2004-09-17", "2005-03-01", "2009-08-08"]
    assert nc.credit_steps(DAY, days, [0.07, 0.07, 0.07]).values == pytest.approx([0.07] * 3, abs=1e-15)
    assert nc.volatility_steps(DAY, days, [0.6] * 3).values == pytest.approx([0.6] * 3, abs=1e-15)
    assert nc.credit_steps(DAY, days, [0.0] * 3).values.tolist() == [0.0] * 3


@pytest.mark.parametrize(
    ("make", "dates", "values", "words"),
    [
        (nc.volatility_steps, DATES[:2], [0.6, 0.4], r"`values` must be of a variance that does not fall .* got 0.4 at row 1"),
        (nc.credit_steps, DATES[:2], [0.08, 0.03], r"the rate between two dates is not below 0; got 0.03 at row 1"),
        (nc.credit_steps, DATES[1::-1], [0.08, 0.09], r"`dates` must be rising"),
        (nc.credit_steps, [DAY, *DATES[:1]], [0.08, 0.09], r"`dates` must be after 2004-06-18; got '2004-06-18' at row 0"),
        (nc.volatility_steps, DATES[:1], [-0.1], r"`values` must be"),
        (nc.volatility_steps, DATES[:1], [0.1, 0.2], r"of one length"),
    ],
    ids=range(6),
)  # fmt: skip
def test_what_no_numbers_average_to_is_refused(make, dates, values, words) -> None:
    with pytest.raises(nc.TermError, match=words):
        make(DAY, dates, values)
