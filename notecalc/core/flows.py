"""Where a settlement lies among coupon dates: the days around it, and how many coupons are left."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from notecalc.core._coupon_years import counting
from notecalc.core._coupons import find_each
from notecalc.core._layout import Layout
from notecalc.core.arrays import Dates
from notecalc.core.notes import Periods

__all__ = ["CouponDays", "coupon_days"]


class CouponDays(NamedTuple):
    """Where settlement lies among coupon dates."""

    since_coupon: Any
    in_period: Any
    to_coupon: Any
    coupons_left: Any


def coupon_days(periods: Periods, settlement: Dates | pd.Series[Any]) -> CouponDays:
    """Days that passed around settlement, and coupons that are left.

    Parameters
    ----------
    periods : Periods
        The periods of n notes.
    settlement : date-like
        One day, or one for each note.

    Returns
    -------
    CouponDays
        Days from the last coupon date to settlement, in the coupon period, and from settlement to the next coupon
        date; and how many coupons are still to come. In a first period that is not regular the last coupon date is
        that of the regular cycle, or issue if that is later.

    References
    ----------
    Microsoft Excel, COUPDAYBS, COUPDAYS, COUPDAYSNC and COUPNUM with basis 1.

    Examples
    --------
    >>> from notecalc.core.notes import Notes
    >>> from notecalc.core.schedule import resolve
    >>> notes = Notes(issue_date="2006-11-15", maturity="2008-11-15", principal=100, annual_rate=0.05, frequency=2,
    ...               day_count="actual/actual icma")
    >>> coupon_days(resolve(notes), "2007-01-25")
    CouponDays(since_coupon=71.0, in_period=181.0, to_coupon=110.0, coupons_left=4.0)
    """
    layout = Layout.of(periods, settlement, {})
    day = layout.settlement
    current, _, _ = find_each(periods, counting(periods), layout.note, day)
    begins, ends = periods.accrual_start[current], periods.accrual_end[current]
    known = np.where(np.isnat(day), np.nan, 1.0)
    parts = (
        (day - begins).astype(np.int64) * known,
        (ends - begins).astype(np.int64) * known,
        (ends - day).astype(np.int64) * known,
        (periods.offsets[layout.note + 1] - current) * known,
    )
    wrapped = layout.shape.rewrap(CouponDays(*parts))
    return CouponDays(*wrapped)
