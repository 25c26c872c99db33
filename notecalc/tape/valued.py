"""The part of a tape that values its notes as convertibles; what is computed is in `results`."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack

import pandas as pd

from notecalc.errors import TermError

if TYPE_CHECKING:
    from notecalc.core.arrays import Dates, Numbers
    from notecalc.core.convertible.terms import Steps
    from notecalc.core.curves import Curve

    Number = Numbers | pd.Series[Any]

__all__ = ["VALUATION_COLUMNS", "ConvertibleColumns", "ConvertibleTape"]


class ConvertibleColumns(TypedDict, total=False):
    """Terms and market of convertible notes: one value, one for each note, or, left out, the column called so.

    Term structures are arguments only, never columns.

    Parameters
    ----------
    conversion_price : numeric
        Principal for one share [currency/share].
    conversion_start, conversion_end : date-like, optional
        First and last day on which notes convert; blank is from issue, and to maturity.
    call_price : numeric, optional
        Clean price at which the issuer may call [per 100]; blank where it may not.
    call_trigger : numeric, optional
        Stock price from which it may, as a fraction of the conversion price; blank where it may at any.
    call_start, call_end : date-like, optional
        First and last day of the call; blank is from issue, and to maturity.
    call_make_whole_until, call_make_whole_rate : date-like and numeric, optional
        Day up to which a call pays the coupons ahead, blank where it pays accrued interest, and the rate at which they
        are discounted; blank is their sum.
    call_notice_days : int-like, optional
        Days from the notice of a call to the call; blank is none.
    put_price, put_date, put_end : numeric and date-like, optional
        Clean price [per 100] at which the holder may sell the note back, and the day; blank where it may not. With a
        `put_end`, on every day from the one to the other.
    redemption_price_fraction : numeric, optional
        As part of their price, at which shares are counted that repay principal (``redemption_in="shares"``).
    stock_price, volatility, risk_free : numeric
        As for `convertible_value` on arrays; volatility also `Steps`, the risk-free rate also a `Curve`, for all notes
        or, steps, with a row for each.
    credit_spread, or hazard_rate, recovery_rate, stock_drop, hazard_elasticity and hazard_reference_price : numeric
        Credit, of the kind that the model knows; the first two also `Steps`, the last two optional.
    dividend_yield, borrow_cost : numeric, optional
        What the stock pays, and what it costs to borrow [1/yr].
    """

    conversion_price: Number
    conversion_start: Dates | pd.Series[Any]
    conversion_end: Dates | pd.Series[Any]
    call_price: Number
    call_trigger: Number
    call_start: Dates | pd.Series[Any]
    call_end: Dates | pd.Series[Any]
    call_make_whole_until: Dates | pd.Series[Any]
    call_make_whole_rate: Number
    call_notice_days: Number
    put_price: Number
    put_date: Dates | pd.Series[Any]
    put_end: Dates | pd.Series[Any]
    redemption_price_fraction: Number
    stock_price: Number
    volatility: Number | Steps
    risk_free: Number | Curve
    credit_spread: Number | Steps
    hazard_rate: Number | Steps
    recovery_rate: Number
    stock_drop: Number
    hazard_elasticity: Number
    hazard_reference_price: Number
    dividend_yield: Number
    borrow_cost: Number


class ConvertibleTerms(ConvertibleColumns, total=False):
    """`ConvertibleColumns`, and what is one for all notes; see `Convertible` for what each word means.

    Parameters
    ----------
    call_days : (int, int), optional
        Closes at or above the trigger that a call needs, out of how many days in a row, such as ``(20, 30)``.
    accrued_on_call : {"paid", "forfeited"}, optional
        Whether a call or a put pays accrued interest; it does if left out.
    recovery_claim : {"principal", "principal-and-accrued"}, optional
        Of what a recovery is a fraction; of the principal if left out.
    redemption_in : {"cash", "shares"}, optional
        In what principal is repaid; in cash if left out.
    dividends : Series, optional
        Cash dividends [currency/share] by ex-date, of every stock; or, on two levels, by note and ex-date.
    """

    call_days: tuple[int, int]
    accrued_on_call: str
    recovery_claim: str
    redemption_in: str
    dividends: pd.Series[Any]


VALUATION_COLUMNS = tuple(ConvertibleColumns.__annotations__)
_FOR_ALL = tuple(name for name in ConvertibleTerms.__annotations__ if name not in VALUATION_COLUMNS)
_NEEDED = ("conversion_price", "stock_price", "volatility", "risk_free")
_ELASTIC = ("hazard_elasticity", "hazard_reference_price")
_BY_SPREAD, _BY_HAZARD = ("credit_spread",), ("hazard_rate", "recovery_rate", "stock_drop")
_BY_STEPS = ("volatility", "credit_spread", "hazard_rate")
_STRUCTURES = {"risk_free": "Curve", **dict.fromkeys(_BY_STEPS, "Steps")}


class ConvertibleTape:
    """Values of a tape's notes as convertibles."""

    if TYPE_CHECKING:
        _frame: pd.DataFrame
        _named: dict[str, Hashable]
        _finish: Callable[..., Any]

    def convertible_value(
        self,
        *,
        settlement: Dates | pd.Series[Any],
        model: str,
        accrued_on_conversion: str,
        accuracy: str = "standard",
        errors: Literal["raise", "report"] = "raise",
        **terms: Unpack[ConvertibleTerms],
    ) -> Any:
        """Value of every note as a convertible, and what it is made of.

        Parameters
        ----------
        settlement : date-like
            Day of valuation: one, or one for each note; a Series has the index of the frame.
        model : {"tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"}
            See `notecalc.convertible_value`. A frame may have columns for every kind of credit; the model's are used.
        accrued_on_conversion : {"forfeited", "forfeited-before-record-date", "paid"}
            Whether a holder who converts is paid the interest accrued; see `notecalc.Convertible`.
        accuracy : {"fast", "standard", "reference"}
            How fine the grids are.
        errors : {"raise", "report"}
        **terms
            `ConvertibleTerms`: what is left out is taken from the column of that name; see `map_columns`.

        Returns
        -------
        DataFrame
            With the index of the frame, a column for each result of `notecalc.convertible_value`; NaN where a number is
            missing. See `Reported` for ``errors="report"``, whose report has a line for what is missing too.

        Raises
        ------
        TermError
            A number that must be there is neither given nor a column.
        TapeError
            A cell is wrong, and ``errors="raise"``.

        Examples
        --------
        >>> import notecalc as nc
        >>> stocks = {"conversion_price": [1.85, 20.0], "stock_price": [1.5, 25.0], "volatility": 0.4}
        >>> tape = nc.example_tape().head(2).assign(**stocks)
        >>> worth = tape.notecalc.convertible_value(
        ...     settlement="2004-09-01", risk_free=0.03, credit_spread=0.05, model="tsiveriotis-fernandes",
        ...     accrued_on_conversion="forfeited",
        ... )
        >>> worth[["dirty_price", "bond_floor", "parity"]].round(2)
                 dirty_price  bond_floor  parity
        note_id
        N00001        110.87       79.63   81.08
        N00002        149.79       81.77  125.00
        """
        return self._value("convertible_value", settlement, model, accrued_on_conversion, accuracy, errors, terms)

    def convertible_greeks(
        self,
        *,
        settlement: Dates | pd.Series[Any],
        model: str,
        accrued_on_conversion: str,
        accuracy: str = "standard",
        errors: Literal["raise", "report"] = "raise",
        **terms: Unpack[ConvertibleTerms],
    ) -> Any:
        """First-order sensitivities of every note's dirty price, and gamma.

        Parameters
        ----------
        settlement, model, accrued_on_conversion, accuracy, errors, **terms
            As for `convertible_value`.

        Returns
        -------
        DataFrame
            With the index of the frame, a column for each result of `notecalc.convertible_greeks`.
        """
        return self._value("convertible_greeks", settlement, model, accrued_on_conversion, accuracy, errors, terms)

    def _value(
        self, name: str, settlement: Any, model: str, accrued: str, accuracy: str, errors: Any, given: Mapping[str, Any]
    ) -> Any:
        from notecalc.tape import results
        from notecalc.tape.convertibles import CashDividends

        unknown = set(given) - {*VALUATION_COLUMNS, *_FOR_ALL}
        if unknown:
            raise TypeError(f"{name}() got an unexpected keyword argument {min(unknown)!r}")
        for_all = {term: given[term] for term in _FOR_ALL if term in given}
        if "dividends" in for_all:
            for_all["dividends"] = CashDividends.of(for_all["dividends"], self._frame.index)
        arguments = {
            "settlement": settlement,
            "model": model,
            "accrued_on_conversion": accrued,
            "accuracy": accuracy,
            "numbers": self._numbers(model, given),
            "for_all": for_all,
        }
        return self._finish(name, getattr(results, name), arguments, None, errors)

    def _numbers(self, model: str, given: Mapping[str, Any]) -> dict[str, Any]:
        """Give each number from where it is: an argument, or the column that is named or called so."""
        from notecalc.tape.reading import find_column

        by_hazard = model == "ayache-forsyth-vetzal"
        own, others = (_BY_HAZARD, _BY_SPREAD) if by_hazard else (_BY_SPREAD, (*_BY_HAZARD, *_ELASTIC))
        numbers = {}
        for name in VALUATION_COLUMNS:
            if name in given:
                numbers[name] = given[name]
            elif name not in others:
                column = find_column(self._frame, self._named, name)
                if column is not None:
                    numbers[name] = self._frame[column]
        for name, value in numbers.items():
            kind = type(value).__name__
            if kind in _STRUCTURES.values() and _STRUCTURES.get(name) != kind:
                known = _STRUCTURES.get(name)
                raise TermError(name, rule=f"numbers, or {known}" if known else "numbers", got=kind)
        for name in (*_NEEDED, *own):
            if name not in numbers:
                hint = f"Name a column: map_columns({name}=...)"  # none called nearly so: others are numbers too
                raise TermError(name, rule="given, or a column of the frame", got=[*self._frame.columns], hint=hint)
        return numbers
