"""What can be computed for scenarios, one module each; `CATALOGUE` lists them by the names that files use."""

from __future__ import annotations

from notecalc.scenarios.results.accrued import Accrued
from notecalc.scenarios.results.base import Column, Result
from notecalc.scenarios.results.cashflows import Cashflows
from notecalc.scenarios.results.closing import Closing
from notecalc.scenarios.results.dilution import Dilution
from notecalc.scenarios.results.irr import Irr
from notecalc.scenarios.results.value import Value

__all__ = ["CATALOGUE", "Column", "Result"]

CATALOGUE: dict[str, type[Result]] = {kind.name: kind for kind in (Accrued, Cashflows, Closing, Dilution, Irr, Value)}
