"""What goes into functions of periods and what comes out, once for all of them and for type checkers to read.

All scalars give a float where there is one note, an array where there are several: ``float | Any``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, NotRequired, ParamSpec, Protocol, TypedDict, Unpack, cast, overload

import pandas as pd

from notecalc.core.arrays import Date, Dates, FloatArray, Number, Numbers
from notecalc.core.notes import Periods

__all__ = ["AtPrice", "AtYield", "FlowTerms", "at_price"]

P = ParamSpec("P")


class FlowTerms(TypedDict):
    """Terms of the flows that periods don't hold; each may be left out.

    Parameters
    ----------
    timing : str
        How times to flows are measured: ``street`` (the default), in whole coupon periods between the unadjusted
        dates and the share of the running one that is left; or the name of a day count, from settlement to the
        payment dates. ``actual/actual icma`` then counts along the note's own cycle.
    coupon_rate : numeric
        For each period, its rate [1/yr], where it isn't the note's throughout.
    redemption : numeric
        What is paid at maturity beside the coupon [per 100 of principal], 100 if left out; one, or one for each note.
    """

    timing: NotRequired[str]
    coupon_rate: NotRequired[Numbers | pd.Series[Any]]
    redemption: NotRequired[Numbers]


class AtYield(Protocol):
    """A function of notes at a yield."""

    @overload
    def __call__(  # type: ignore[overload-overlap]  # a scalar is also one of Dates; the first match holds
        self,
        periods: Periods,
        settlement: Date,
        annual_yield: Number,
        *,
        compounding: str,
        simple_interest: str,
        **flow_terms: Unpack[FlowTerms],
    ) -> float | Any: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]  # as above
        self,
        periods: Periods,
        settlement: Dates,
        annual_yield: Numbers,
        *,
        compounding: str,
        simple_interest: str,
        **flow_terms: Unpack[FlowTerms],
    ) -> FloatArray: ...
    @overload
    def __call__(
        self,
        periods: Periods,
        settlement: Dates | pd.Series[Any],
        annual_yield: Numbers | pd.Series[Any],
        *,
        compounding: str,
        simple_interest: str,
        **flow_terms: Unpack[FlowTerms],
    ) -> pd.Series[Any]: ...


class AtPrice(Protocol[P]):
    """A function of notes at a price, and of what else its terms are."""

    @overload
    def __call__(  # type: ignore[overload-overlap]  # as above
        self, periods: Periods, settlement: Date, clean_price: Number, *args: P.args, **kwargs: P.kwargs
    ) -> float | Any: ...
    @overload
    def __call__(  # type: ignore[overload-overlap]  # as above
        self, periods: Periods, settlement: Dates, clean_price: Numbers, *args: P.args, **kwargs: P.kwargs
    ) -> FloatArray: ...
    @overload
    def __call__(
        self,
        periods: Periods,
        settlement: Dates | pd.Series[Any],
        clean_price: Numbers | pd.Series[Any],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> pd.Series[Any]: ...


def at_price(function: Callable[Concatenate[Periods, Any, Any, P], Any]) -> AtPrice[P]:
    """Tell type checkers what a function of periods, settlement and price gives; it stays what it is."""
    return cast(AtPrice[P], function)
