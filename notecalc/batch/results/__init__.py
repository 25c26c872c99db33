"""What can be computed for scenarios, one module each; `CATALOGUE` lists them by the names that files use."""

from __future__ import annotations

from notecalc.batch.results.accrued import Accrued
from notecalc.batch.results.base import Column, Result
from notecalc.batch.results.cashflows import Cashflows
from notecalc.batch.results.closing import Closing
from notecalc.batch.results.dilution import Dilution
from notecalc.batch.results.irr import Irr
from notecalc.batch.results.value import Value

__all__ = ["CATALOGUE", "Column", "Result"]

CATALOGUE: dict[str, type[Result]] = {kind.name: kind for kind in (Accrued, Cashflows, Closing, Dilution, Irr, Value)}
