"""The accessor `notecalc`: of a frame of many notes, what is computed from it; of a result, what it knows of itself.

Registered with pandas by ``import notecalc``. Cells are read and judged in `tape`, numbers come from `core`. A column
called ``notecalc`` is reached as ever: ``frame["notecalc"]``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import pandas as pd

from notecalc.errors import TapeError, TermError
from notecalc.tape.valued import ConvertibleTape

if TYPE_CHECKING:
    from notecalc.core.arrays import Date, Dates, Numbers
    from notecalc.core.notes import Notes
    from notecalc.tape.reading import Tape

__all__ = ["NoteTape", "Provenance", "Reported"]

Errors: TypeAlias = Literal["raise", "report"]

_MONEY = dict.fromkeys(("interest", "principal", "total"), "currency")


@pd.api.extensions.register_series_accessor("notecalc")
class Provenance:
    """Units and origin of a result.

    `units`, `recipe` and `inputs` raise `NotecalcError` where the object is no result of a deal, or something dropped
    its ``attrs``.

    Examples
    --------
    >>> import notecalc as nc
    >>> closing = nc.load("ibasis-2004").closing(policy="refunded")
    >>> closing.notecalc.units["cash_due"]
    'USD'
    >>> closing.notecalc.recipe
    {'function': 'closing', 'arguments': {'policy': 'refunded', 'elects': None}}
    >>> closing.notecalc.inputs == nc.load("ibasis-2004").input_hash
    True
    """

    def __init__(self, made: pd.DataFrame | pd.Series[Any]) -> None:
        self._made = made

    @property
    def units(self) -> dict[str, str]:
        """Unit by column; by label for a Series of unlike figures."""
        from notecalc.deal.frames import units_of

        return units_of(self._made)

    @property
    def recipe(self) -> dict[str, Any]:
        """The function and the arguments that made it."""
        from notecalc.deal.frames import recipe_of

        return recipe_of(self._made)

    @property
    def inputs(self) -> str:
        """SHA-256 of the terms it was made from."""
        from notecalc.deal.frames import inputs_of

        return inputs_of(self._made)

    def formatted(self) -> pd.DataFrame:
        """Every value as text by its unit, for reading: money to the cent, thousands parted, rates in per cent.

        Columns without a unit, and data of other origin, are written plainly.

        Returns
        -------
        DataFrame of str
            Same rows and columns; a Series becomes one column.

        Examples
        --------
        >>> import notecalc as nc
        >>> nc.load("ibasis-2004").headroom()[["headroom", "lowest_price"]].notecalc.formatted()
                      headroom lowest_price
        case
        without      5,866,581         1.35
        own-price  -13,862,566        16.00
        repriced   -13,862,566         3.02
        """
        from notecalc.deal.text import format_table

        return format_table(self._made)


class Reported(NamedTuple):
    """A result with what is missing in it, and why.

    Parameters
    ----------
    result : Series or DataFrame
        As without errors; NaN for each note with a bad cell.
    report : DataFrame
        A line for each bad cell, and of values for each missing one: ``row`` (its label), ``position`` (from 0),
        ``column``, ``value``, ``allowed`` and ``hint``.
    """

    result: Any
    report: pd.DataFrame


@pd.api.extensions.register_dataframe_accessor("notecalc")
class NoteTape(ConvertibleTape, Provenance):
    """A tape, a frame with a row for each note; and, where the frame is a result, its units and origin.

    The columns are called as the terms of `Notes` are: ``issue_date``, ``maturity``, ``principal``, ``annual_rate``,
    ``frequency`` and ``day_count`` must be there, the others may be; see `map_columns`. Every method reads the frame
    anew. A blank cell is a term left open where there may be none (``first_coupon``, ``calendar``, ``record_days``),
    and an error elsewhere; a term without a column is as `Notes` has it by default, so that payments are unadjusted
    unless ``business_day_convention`` says otherwise.

    With ``errors="raise"`` a wrong cell raises `TapeError`, which lists all of them. With ``errors="report"`` the good
    notes are computed, the others are NaN, and the result comes with the list, as `Reported`.

    Examples
    --------
    >>> import pandas as pd, notecalc
    >>> tape = pd.DataFrame({"issue_date": "2004-06-18", "maturity": ["2007-06-18", "2009-06-18"],
    ...                      "principal": [29_000_000, 1_000_000], "annual_rate": [0.08, 6.75], "frequency": 2,
    ...                      "day_count": "30/360"}, index=["A", "B"])
    >>> accrued, report = tape.notecalc.accrued("2004-09-18", errors="report")
    >>> accrued.to_dict()
    {'A': 580000.0, 'B': nan}
    >>> report[["row", "column", "value", "hint"]]
      row       column value                  hint
    0   B  annual_rate  6.75  Did you mean 0.0675?
    """

    def __init__(self, frame: pd.DataFrame, named: Mapping[str, Hashable] | None = None) -> None:
        super().__init__(frame)
        self._frame = frame
        self._named = dict(named or {})

    def map_columns(self, **columns: Hashable) -> NoteTape:
        """Say once which column holds a term, where it has another name than the term.

        Parameters
        ----------
        **columns : label or None
            The column of each term, or None to say that it has none, though one is nearly called so. Terms that aren't
            named are looked for by name: case doesn't matter, and ``Issue Date`` and ``IssueDate`` are ``issue_date``.

        Returns
        -------
        NoteTape
            The same frame, read so.

        Raises
        ------
        TermError
            No such term, or no such column.

        Examples
        --------
        >>> import notecalc as nc
        >>> frame = nc.example_tape().rename(columns={"principal": "Face", "annual_rate": "Cpn"})
        >>> tape = frame.notecalc.map_columns(principal="Face", annual_rate="Cpn")
        >>> tape.columns["principal"], tape.accrued("2004-09-01").loc["N00001"].round(2).item()
        ('Face', 11783.67)
        """
        made = type(self)(self._frame, self._named | columns)
        made.columns  # noqa: B018 (a wrong name is an error here, not at the first number)
        return made

    @property
    def columns(self) -> dict[str, Hashable]:
        """The column of each term that has one; for the others, see the defaults of `Notes`."""
        from notecalc.tape.reading import find_columns

        return find_columns(self._frame, self._named)

    @property
    def tape(self) -> tuple[pd.DataFrame, dict[str, Hashable]]:
        """The frame, and the columns that were named."""
        return self._frame, dict(self._named)

    def validate(self) -> pd.DataFrame:
        """List every bad cell of the tape's terms.

        Returns
        -------
        DataFrame
            A line for each, in the order of the rows: ``row`` (its label), ``position`` (from 0), ``column``, ``value``
            (as text), ``allowed`` and ``hint``. Empty if all is well.

        Examples
        --------
        >>> import notecalc as nc
        >>> tape = nc.example_tape().head(3).assign(maturity=["2007-06-18", "18/06/07", "1997-06-18"])
        >>> tape.notecalc.validate()[["row", "value", "allowed"]]
              row       value                    allowed
        0  N00002    18/06/07  a date such as 2004-06-18
        1  N00003  1997-06-18         after `issue_date`
        """
        return self._read().problems.report()

    def notes(self) -> Notes:
        """Give the terms as arrays, for the functions of notecalc that take `Notes`, or what `resolve` makes of them.

        Raises
        ------
        TapeError
            A cell is wrong.

        Examples
        --------
        >>> import notecalc as nc
        >>> periods = nc.resolve(nc.example_tape().head(2).notecalc.notes())
        >>> terms = {"compounding": "semi-annual", "simple_interest": "never"}
        >>> nc.modified_duration(periods, "2004-09-01", [0.05, 0.06], **terms).round(2)
        array([4.43, 4.51])
        """
        tape = self._read()
        _stop(tape)
        return tape.notes

    def schedule(self, *, errors: Errors = "raise") -> Any:
        """Coupon periods of every note, one after another.

        Returns
        -------
        DataFrame
            As from `schedules`, with the labels of the notes in a first column, called as the tape's index is, or
            ``note``. A note with a bad cell is one row with period 0 and no dates.

        Raises
        ------
        TapeError
            A cell is wrong, and ``errors="raise"``.

        Examples
        --------
        >>> import notecalc as nc
        >>> schedule = nc.example_tape().head(2).notecalc.schedule()
        >>> schedule[["note_id", "period", "unadjusted_end", "payment_date"]].head(2)
          note_id  period unadjusted_end payment_date
        0  N00001       1     2003-01-15   2003-01-15
        1  N00001       2     2003-07-15   2003-07-15
        """
        from notecalc.tape import results

        return self._finish("schedule", results.schedule, {}, {}, errors)

    def accrued(self, on: Dates | pd.Series[Any], *, errors: Errors = "raise") -> Any:
        """Interest accrued and unpaid on a date.

        Parameters
        ----------
        on : date-like
            One, or one for each note; a Series has the index of the frame. On a coupon date the new period has begun:
            zero. Negative from the ex-date on, where there is one. Zero before issue and from maturity on.
        errors : {"raise", "report"}

        Returns
        -------
        Series
            Interest [currency], not rounded, with the index of the frame, NaN where a day is missing; see `Reported`
            for ``errors="report"``.

        Raises
        ------
        TapeError
            A cell is wrong, and ``errors="raise"``.

        Examples
        --------
        >>> import notecalc as nc
        >>> nc.example_tape().head(2).notecalc.accrued("2004-09-01").round(2)
        note_id
        N00001      11783.67
        N00002    1912622.62
        Name: accrued_interest, dtype: float64
        """
        from notecalc.tape import results

        return self._finish("accrued", results.accrued, {"on": on}, "currency", errors)

    def cashflows(self, start: Date | None = None, end: Date | None = None, *, errors: Errors = "raise") -> Any:
        """What every note pays and when, to the cent; its purchase is no part of it.

        Parameters
        ----------
        start, end : date-like, optional
            Payments from `start` on and before `end`; all if left out.
        errors : {"raise", "report"}

        Returns
        -------
        DataFrame
            One row for each payment: the label of the note, in a column called as the tape's index is, or ``note``;
            ``period``; ``payment_date``; ``interest``, ``principal`` and their ``total`` [currency]. Interest is
            rounded half up to the cent, payment by payment. A note with a bad cell is one row with period 0.

        Raises
        ------
        TapeError
            A cell is wrong, or a principal isn't in whole cents, and ``errors="raise"``.

        Examples
        --------
        >>> import notecalc as nc
        >>> nc.example_tape().head(2).notecalc.cashflows("2004-09-01", "2005-03-01")
          note_id  period payment_date    interest  principal       total
        0  N00001       5   2005-01-18    45170.72        0.0    45170.72
        1  N00002       6   2004-10-15  2518057.13        0.0  2518057.13
        """
        from notecalc.tape import results

        return self._finish("cashflows", results.cashflows, {"start": start, "end": end}, _MONEY, errors)

    def payment_calendar(self, start: Date | None = None, end: Date | None = None, *, errors: Errors = "raise") -> Any:
        """Money by day: what all notes pay together, in the one currency of the tape.

        Parameters
        ----------
        start, end, errors
            As for `cashflows`.

        Returns
        -------
        DataFrame
            Indexed by ``payment_date``: how many ``payments``, and their ``interest``, ``principal`` and ``total``
            [currency], summed in cents. Notes with bad cells are one last row without a day and without amounts.

        Raises
        ------
        TapeError
            As for `cashflows`.

        Examples
        --------
        >>> import notecalc as nc
        >>> days = nc.example_tape().notecalc.payment_calendar("2004-12-20", "2004-12-22")
        >>> days[["payments", "interest", "principal"]]
                      payments     interest    principal
        payment_date
        2004-12-20          97  68049121.91  141997000.0
        2004-12-21          35  28329403.89    5607000.0
        """
        from notecalc.tape import results

        return self._finish("payment_calendar", results.payment_calendar, {"start": start, "end": end}, _MONEY, errors)

    def clean_price(
        self,
        annual_yield: Numbers | pd.Series[Any],
        *,
        settlement: Dates | pd.Series[Any],
        compounding: str,
        simple_interest: str,
        errors: Errors = "raise",
    ) -> Any:
        """Price of every note at its yield, without accrued interest.

        Parameters
        ----------
        annual_yield : numeric
            Yield [1/yr]: one, or one for each note; a Series has the index of the frame.
        settlement : date-like
            The day from which the buyer is paid, likewise.
        compounding : {"annual", "semi-annual", "quarterly", "monthly", "coupon", "continuous", "simple"}
            How often the yield is compounded; ``coupon`` is as often as the note pays.
        simple_interest : {"never", "last-period", "first-period"}
            Where the first flow is discounted by simple interest all the same; see `prices.clean_price`.
        errors : {"raise", "report"}

        Returns
        -------
        Series
            Price [per 100 of principal]; NaN where a yield or a settlement is missing.

        Raises
        ------
        TapeError
            A cell is wrong, a settlement before issue or from maturity on, a yield of a total loss, and
            ``errors="raise"``.

        Examples
        --------
        >>> import notecalc as nc
        >>> terms = {"settlement": "2004-09-01", "compounding": "semi-annual", "simple_interest": "never"}
        >>> nc.example_tape().head(2).notecalc.clean_price(0.05, **terms).round(4).tolist()
        [91.0875, 92.9527]
        """
        from notecalc.tape import results

        arguments = {
            "annual_yield": annual_yield,
            "settlement": settlement,
            "compounding": compounding,
            "simple_interest": simple_interest,
        }
        return self._finish("clean_price", results.prices, arguments, "per 100", errors)

    def yields(
        self,
        clean_price: Numbers | pd.Series[Any],
        *,
        settlement: Dates | pd.Series[Any],
        compounding: str,
        simple_interest: str,
        errors: Errors = "raise",
    ) -> Any:
        """Yield to maturity of every note at its clean price.

        Parameters
        ----------
        clean_price : numeric
            Price [per 100 of principal]: one, or one for each note; a Series has the index of the frame.
        settlement, compounding, simple_interest, errors
            As for `clean_price`.

        Returns
        -------
        Series
            Yield [1/yr, compounded as named]; NaN where a price or a settlement is missing.

        Raises
        ------
        TapeError
            A cell is wrong, a settlement before issue or from maturity on, a price that no yield or more than one
            gives, and ``errors="raise"``.

        Examples
        --------
        >>> import notecalc as nc
        >>> tape = nc.example_tape().head(2)
        >>> terms = {"settlement": "2004-09-01", "compounding": "semi-annual", "simple_interest": "never"}
        >>> tape.notecalc.yields(tape["clean_price"], **terms).round(6).tolist()
        [0.057421, 0.079241]
        """
        from notecalc.tape import results

        arguments = {
            "clean_price": clean_price,
            "settlement": settlement,
            "compounding": compounding,
            "simple_interest": simple_interest,
        }
        return self._finish("yields", results.yields, arguments, "1/yr", errors)

    def _read(self) -> Tape:
        from notecalc.tape.reading import read_tape

        return read_tape(self._frame, self.columns)

    def _finish(
        self,
        name: str,
        compute: Callable[..., Any],
        arguments: Mapping[str, Any],
        units: Mapping[str, str] | str | None,
        errors: Errors,
    ) -> Any:
        """Compute, and raise or hand out what is wrong; a result says its units and how it was made."""
        from notecalc.deal.frames import VALUES, labelled
        from notecalc.deal.value_units import value_units

        if errors not in {"raise", "report"}:
            raise TermError("errors", rule="'raise' or 'report'", got=errors)
        tape = self._read()
        if errors == "raise":
            _stop(tape)
        result = compute(tape, **arguments)
        if errors == "raise":
            _stop(tape)
        named = ", ".join(f"{term}={column!r}" for term, column in self._named.items())
        function = f"notecalc.map_columns({named}).{name}" if named else f"notecalc.{name}"
        if units is None:
            units = value_units([*result.columns], "currency")
        labelled(result, {VALUES: units} if isinstance(units, str) else units, tape.digest, function, arguments)
        return result if errors == "raise" else Reported(result, tape.problems.report(blanks=True))


def _stop(tape: Tape) -> None:
    if len(tape.problems):
        raise TapeError(tape.problems.report())
