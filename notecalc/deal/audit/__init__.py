"""What does not tie in a deal's papers, computed from its terms: one small function for each check.

Knows arithmetic and names, no law: a finding says what differs, where, and by how much, not who is right. A check
whose figures tie gives nothing. Whether the deal file is true to the papers is asked in `deal.papers`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from notecalc.deal.assumptions import terms_of
from notecalc.deal.audit import amounts, dates, names, shares
from notecalc.deal.audit.finding import SEVERITIES, Finding
from notecalc.deal.papers import section_order
from notecalc.deal.sources import Source
from notecalc.deal.terms import DealTerms

__all__ = ["Finding", "findings_table"]

_CHECKS = (*amounts.CHECKS, *names.CHECKS, *shares.CHECKS, *dates.CHECKS)
_TEXTS = ("severity", "code", "what", "figures", "sources", "effect")


def findings_table(terms: DealTerms) -> pd.DataFrame:
    """Run every check over a deal's terms.

    Returns
    -------
    DataFrame
        One row per finding, the gravest first and then in the order of the papers: severity, code, what, figures,
        sources (document and section, parted by semicolons), effect, effect_amount and effect_unit.

    Examples
    --------
    >>> import notecalc as nc
    >>> table = findings_table(nc.load("ibasis-2004").terms)
    >>> table.loc[table["code"] == "surrender-above-price", ["severity", "effect_amount", "effect_unit"]]
      severity  effect_amount effect_unit
    1    error       100000.0         USD
    """
    found = [finding for check in _CHECKS for finding in check(terms)]
    cited = dict(terms_of(terms))
    rows = []
    for finding in found:
        origins = dict(_origin(terms, cite, cited) for cite in finding.cites)
        sources = sorted(origins, key=origins.__getitem__)
        place = (SEVERITIES.index(finding.severity), origins[sources[0]])
        rows.append((place, "; ".join(sources), finding))
    rows.sort(key=lambda row: row[0])
    table = pd.DataFrame(
        {
            name: pd.array(
                [sources if name == "sources" else getattr(own, name) for _, sources, own in rows], dtype="str"
            )
            for name in _TEXTS
        }
    )
    table["effect_amount"] = np.array([finding.effect_amount for *_, finding in rows], dtype=np.float64)
    table["effect_unit"] = pd.array([finding.effect_unit for *_, finding in rows], dtype="str")
    return table


def _origin(terms: DealTerms, cite: str | Source, cited: dict[str, Any]) -> tuple[str, tuple[Any, ...]]:
    """Where a cited term comes from, and its place in the order of the papers, assumptions last."""
    source = cite if isinstance(cite, Source) else cited[cite].source
    if source is None:
        return f"assumed: {cite}", (len(terms.documents),)
    return str(source), (list(terms.documents).index(source.document), section_order(source.section))
