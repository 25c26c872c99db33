"""The part of a `Deal` that values its notes as convertibles; every method asks `valuation`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Self, TypedDict, Unpack

import pandas as pd

from notecalc.core.arrays import Date, Dates
from notecalc.deal.frames import labelled
from notecalc.deal.market import Credit, Datum, Market
from notecalc.deal.value_units import value_units
from notecalc.errors import TermError, did_you_mean

if TYPE_CHECKING:
    from notecalc.deal.quantlib import QuantLibNote
    from notecalc.deal.terms import DealTerms

__all__ = ["MarketData", "Valued"]


class MarketData(TypedDict, total=False):
    """A market, or its data one by one; what is given by name replaces the market's own.

    Parameters
    ----------
    market : Market
        With the source of each datum.
    stock_price, volatility, risk_free, credit, dividend_yield, borrow_cost, dividends, reset_probability
        As in `Market`; what is given alone is an assumption.
    accuracy : {"fast", "standard", "reference"}
        How fine the grids are; ``standard`` if left out.
    """

    market: Market
    stock_price: Datum
    volatility: Datum
    risk_free: Datum
    credit: Credit
    dividend_yield: Datum
    borrow_cost: Datum
    dividends: Datum
    reset_probability: Datum
    accuracy: str


class Valued:
    """Values and what they depend on. Arguments broadcast; a row for each combination."""

    if TYPE_CHECKING:

        @property
        def terms(self) -> DealTerms: ...  # noqa: D102 (the deal's own)

        def replace(self, **changes: Any) -> Self: ...  # noqa: D102 (the deal's own)

        @property
        def input_hash(self) -> str: ...  # noqa: D102 (the deal's own)

    def value(self, *, on: Dates | pd.Series[Any], model: str, **market: Unpack[MarketData]) -> pd.DataFrame:
        """What the notes are worth as convertibles, and what that is made of.

        Parameters
        ----------
        on : date-like
            Day of valuation; a coupon of that day is the seller's.
        model : {"tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"}
            Named after its paper; the equations are in :func:`notecalc.convertible_value`.
        **market
            `MarketData`.

        Returns
        -------
        DataFrame
            A row for each combination of what was given, with what was given; prices, bond floor and parity per 100
            of principal, the premia, delta, gamma and theta, the estimated error, ``option_value``, the dirty price
            less the bond floor, and ``value``, the worth of the whole series [currency].
            A Series among the arguments gives its index.

        Raises
        ------
        TermError
            A number that cannot be, credit of another kind than the model's, a day outside the notes' life, a curve
            that does not reach over it, no chance of a reset that the deal file has.

        Notes
        -----
        Where the conversion price is reset on a condition, such as a registration default, with the chance p of it,
        the value and all that is linear in it is (1 - p) times that without the reset and p times that with it: what
        happens is taken as independent of the stock and of a default. `error_estimate` is weighed alike.

        Each of the two knows the outcome from the day of valuation on, which nobody does before the day of the reset.
        That is exact where nothing is converted, put or called before it. Otherwise who exercises does so with
        foresight, and the mean is too high for what the holder may do, a bound from above if only the holder may do
        something, and too low for what the issuer may, a bound from below if only the issuer may; `value_assumptions`
        says which it is.

        Examples
        --------
        >>> import notecalc as nc
        >>> worth = nc.load("ibasis-2004").value(
        ...     on="2004-06-18", stock_price=[1.5, 2.5], volatility=0.6, risk_free=0.03,
        ...     credit=nc.CreditSpread(0.08), model="tsiveriotis-fernandes",
        ... )
        >>> worth[["stock_price", "dirty_price", "bond_floor", "parity"]].round(2)
           stock_price  dirty_price  bond_floor  parity
        0          1.5       126.15       91.77   81.08
        1          2.5       170.03       91.77  135.14
        """
        return self._valued("value", on, model, market)

    def greeks(self, *, on: Dates | pd.Series[Any], model: str, **market: Unpack[MarketData]) -> pd.DataFrame:
        """First-order sensitivities of the notes' dirty price, and gamma.

        Parameters
        ----------
        on, model, **market
            As for `value`.

        Returns
        -------
        DataFrame
            A row for each combination; units are in ``frame.notecalc.units``, such as vega per 0.01 of volatility. With
            ``reset``, per 0.01 of its chance, where the deal's conversion price may be reset.

        Examples
        --------
        >>> import notecalc as nc
        >>> greeks = nc.load("ibasis-2004").greeks(
        ...     on="2004-06-18", stock_price=1.5, volatility=0.6, risk_free=0.03, credit=nc.CreditSpread(0.08),
        ...     model="tsiveriotis-fernandes",
        ... )
        >>> greeks[["hedge_ratio", "vega", "credit"]].round(2)
           hedge_ratio  vega  credit
        0         0.73  0.47   -0.02
        >>> greeks.notecalc.units["vega"]
        'per 100 per 0.01'
        """
        return self._valued("greeks", on, model, market)

    def implied_volatility(
        self, clean_price: Any, *, on: Dates | pd.Series[Any], model: str, **market: Unpack[MarketData]
    ) -> pd.DataFrame:
        """Volatility that gives the notes a clean price; no solution and several are said, not guessed.

        Parameters
        ----------
        clean_price : numeric
            Price [per 100 of principal].
        on, model, **market
            As for `value`; what is looked for is left aside where the market has it.

        Returns
        -------
        DataFrame
            The answer, ``other_...`` (the highest, if there are several), how many ``solutions`` there are on the range
            searched (missing if the value is that price on a whole range, which the remark says), and in words what is
            remarkable; see :func:`notecalc.convertible_implied`.

        Examples
        --------
        >>> import notecalc as nc
        >>> deal = nc.load("ibasis-2004")
        >>> terms = {"on": "2004-06-18", "risk_free": 0.03, "credit": nc.CreditSpread(0.12),
        ...          "model": "tsiveriotis-fernandes"}
        >>> found = deal.implied_volatility(100, stock_price=[1.2, 1.9], **terms)
        >>> found[["stock_price", "volatility", "remark"]].round(3)
           stock_price  volatility       remark
        0          1.2       0.438
        1          1.9         NaN  no solution
        """
        return self._implied("implied_volatility", "volatility", clean_price, on, model, market)

    def implied_credit(
        self, clean_price: Any, *, on: Dates | pd.Series[Any], model: str, **market: Unpack[MarketData]
    ) -> pd.DataFrame:
        """Credit spread, or rate of default where the model knows one, that gives the notes a clean price.

        Parameters
        ----------
        clean_price, on, model, **market
            As for `implied_volatility`. Of a `Hazard` the recovery rate and the stock's drop are used.

        Returns
        -------
        DataFrame
            As `implied_volatility`, the answer called ``credit_spread`` or ``hazard_rate``.
        """
        from notecalc.deal.valuation import credit_name

        return self._implied("implied_credit", credit_name(model), clean_price, on, model, market)

    def implied_stock_price(
        self, clean_price: Any, *, on: Dates | pd.Series[Any], model: str, **market: Unpack[MarketData]
    ) -> pd.DataFrame:
        """Stock price that gives the notes a clean price.

        Parameters
        ----------
        clean_price, on, model, **market
            As for `implied_volatility`.

        Returns
        -------
        DataFrame
            As `implied_volatility`, the answer called ``stock_price`` [currency/share].
        """
        return self._implied("implied_stock_price", "stock_price", clean_price, on, model, market)

    def value_per_share(self, stock_price: Any, *, on: Dates | pd.Series[Any]) -> pd.DataFrame:
        r"""Value of a share before conversion of all notes, the price given, and after it.

        The notes' m new shares come on to the N shares issued by the cap table, and what was owed on the notes is
        owed no more:

        .. math:: S' = \frac{N S + D}{N + m}

        with D the principal, and the interest accrued where the deal has it forfeited. Conversion dilutes where the
        stock is above D / m, which at issue is the conversion price.

        Parameters
        ----------
        stock_price : numeric
            Price of the stock that doesn't know of the conversion [currency/share].
        on : date-like
            Day of conversion, from issue and before maturity.

        Returns
        -------
        DataFrame
            Shares and equity [currency] before, new shares, debt extinguished [currency], value per share after, its
            change as a fraction of the price, and parity [per 100 of principal] by either.

        References
        ----------
        D. Galai and M. Schneller, Pricing of warrants and the value of the firm, J. Finance 33 (1978).
        J. Ingersoll, A contingent-claims valuation of convertible securities, J. Financial Economics 4 (1977).

        Examples
        --------
        >>> import notecalc as nc
        >>> shares = nc.load("ibasis-2004").value_per_share([1.85, 3.7], on="2004-06-18")
        >>> shares[["stock_price", "new_shares", "value_per_share_after", "dilution"]].round(4)
           stock_price  new_shares  value_per_share_after  dilution
        0         1.85  15675670.0                 1.8500    0.0000
        1         3.70  15675670.0                 3.2347   -0.1257
        """
        from notecalc.deal import valuation

        table = valuation.per_share_table(self.terms, stock_price, on)
        return self._with_units(table, "value_per_share", stock_price=stock_price, on=on)

    def value_assumptions(self, *, on: Date, model: str, **market: Unpack[MarketData]) -> pd.DataFrame:
        """What a value rests on without a source: data of the market, terms of the deal, and what the model leaves out.

        Parameters
        ----------
        on, model, **market
            As for `value`, one number for each datum.

        Returns
        -------
        DataFrame
            One row per assumption and alternative, with the change that the alternative would make to the dirty price
            [per 100 of principal], all else as it is. NaN where there is no alternative, where the term is left out of
            the value, which the reason says, or where by it there is no value, such as that of a note not outstanding
            on that day; ``remark`` says why.

        Examples
        --------
        >>> import notecalc as nc
        >>> volatility = nc.Quote(0.6, assumed="no option was quoted", alternatives=(0.5,))
        >>> found = nc.load("ibasis-2004").value_assumptions(
        ...     on="2004-06-18", stock_price=1.5, volatility=volatility, risk_free=0.03, credit=nc.CreditSpread(0.08),
        ...     model="tsiveriotis-fernandes",
        ... )
        >>> found.loc[found["alternative"] == "0.5", ["term", "reason", "dirty_price"]].round(1)
                        term                reason  dirty_price
        1  market.volatility  no option was quoted         -4.9
        """
        from notecalc.deal.value_assumptions import value_assumption_table

        data, accuracy = _read(market)
        table = value_assumption_table(self, on, model, data, accuracy)
        arguments = {"on": on, "model": model, "market": data, "accuracy": accuracy}
        units = {"dirty_price": "change in per 100"}
        return labelled(table, units, self.input_hash, "value_assumptions", arguments)

    def to_quantlib(self) -> QuantLibNote:
        """The same note in QuantLib: its instrument, and a way to set its engine.

        QuantLib has no record dates: interest that is forfeited on conversion unless its record date has passed is
        forfeited there on every day, and in `value` not at maturity. Its engine is given no cash dividends and no cost
        of borrowing.

        Returns
        -------
        QuantLibNote
            ``instrument``, and ``set_engine(on=, stock_price=, volatility=, risk_free=, credit_spread=, steps=)``,
            which sets QuantLib's global evaluation date.

        Raises
        ------
        TermError
            A term that QuantLib's instrument does not have: a conversion price that steps or is reset, interest paid on
            conversion or forfeited on a call or put, a call with notice, make-whole or a trigger on several days,
            principal repaid in shares.

        Examples
        --------
        >>> import notecalc as nc
        >>> note = nc.load("ibasis-2004").to_quantlib()
        >>> market = {"stock_price": 1.5, "volatility": 0.6, "risk_free": 0.03, "credit_spread": 0.08}
        >>> print(f"{note.set_engine(on='2004-06-18', steps=400, **market).NPV():.0f}")
        123
        """
        from notecalc.deal.quantlib import quantlib_note

        return quantlib_note(self.terms)

    def _valued(self, function: str, on: Any, model: str, given: MarketData) -> pd.DataFrame:
        from notecalc.deal import valuation

        market, accuracy = _read(given)
        make = valuation.value_table if function == "value" else valuation.greeks_table
        table = make(self.terms, market, on, model, accuracy)
        return self._with_units(table, function, on=on, model=model, market=market, accuracy=accuracy)

    def _implied(
        self, function: str, unknown: str, clean_price: Any, on: Any, model: str, given: MarketData
    ) -> pd.DataFrame:
        from notecalc.deal import valuation

        market, accuracy = _read(given)
        if unknown in market.quotes():
            market = market.with_quotes({unknown: None})
        table = valuation.implied_table(unknown, self.terms, clean_price, market, on, model, accuracy)
        recipe = {"on": on, "model": model, "market": market, "accuracy": accuracy}
        return self._with_units(table, function, clean_price=clean_price, **recipe)

    def _with_units(self, table: pd.DataFrame, function: str, **arguments: Any) -> pd.DataFrame:
        units = value_units([*table.columns], self.terms.currency)
        return labelled(table, units, self.input_hash, function, arguments)


def _read(given: Mapping[str, Any]) -> tuple[Market, str]:
    """Give one market of a market and data by name, and the accuracy."""
    own = dict(given)
    unknown = set(own) - set(MarketData.__annotations__)
    if unknown:
        hint = did_you_mean(min(unknown), MarketData.__annotations__)
        raise TypeError(f"unexpected keyword argument {min(unknown)!r}" + (f". {hint}" if hint else ""))
    market, accuracy = own.pop("market", None) or Market(), own.pop("accuracy", "standard")
    if not isinstance(market, Market):
        hint = "Write case = notecalc.load_market(...), then market=case.market(), or **case.arguments()"
        raise TermError("market", rule="a Market", got=type(market).__name__, hint=hint)
    return market.with_quotes(own) if own else market, accuracy
