"""What to know about the numbers: what does not tie in the papers, and what was assumed."""

from __future__ import annotations

from notecalc.deal.assumptions import terms_of
from notecalc.deal.text import format_table
from notecalc.report.page import Cell, Head, Row, Section, Table, anchor
from notecalc.report.paper import NIL, Paper, group_title, row_of, term_title, value_cell_text
from notecalc.report.words import term_text, title_of

__all__ = ["assumptions_section", "findings_section"]

_FINDING_COLUMNS = ("severity", "what", "figures", "effect", "sources")


def findings_section(paper: Paper) -> Section:
    """What does not tie."""
    found = paper.frames["findings"] = paper.deal.findings()
    if found.empty:
        return Section("findings", "Findings", ("The papers tie in all that was compared.",), ())
    rows = [
        row_of(*(paper.cite_text(text) if name == "sources" else Cell(text) for name, text in line.items()))
        for _, line in format_table(found)[list(_FINDING_COLUMNS)].iterrows()
    ]
    heads = tuple(Head(title_of(name), long=name in ("what", "figures", "effect")) for name in _FINDING_COLUMNS)
    text = ("Computed from the terms above; the effect of each is in the currency or in shares.",)
    table = Table("findings", "What does not tie, the gravest first", heads, tuple((row,) for row in rows), wide=True)
    return Section("findings", "Findings", text, (table,))


def assumptions_section(paper: Paper) -> Section:
    """What was assumed, and what each other reading would change."""
    table = paper.frames["assumptions"] = paper.deal.assumptions()
    effects = [name for name in table.columns if name not in ("term", "value", "reason", "alternative")]
    shown = format_table(table)
    changes = {name: shown[name].mask(table[name] == 0, NIL).to_list() for name in effects}
    bodies: list[list[Row]] = []
    terms = dict(terms_of(paper.deal.terms))
    last = ""
    for place, line in enumerate(table.itertuples(index=False)):
        path = str(line.term)
        name = path.rpartition(".")[2]
        if path != last:
            last = path
            title = f"{group_title(paper, path)}: {term_title(paper, path)}"
            said = f"{value_cell_text(paper, name, terms[path])}. {_sentence(str(line.reason))}"
            head = Cell(title, remark=said, head=True, span=1 + len(effects))
            bodies.append([Row((head,), "group", anchor("assumed", path))])
        if line.alternative:
            own = list(terms[path].alternatives)
            told = term_text(name, own[len(bodies[-1]) - 1], paper.currency)
            cells = (Cell(changes[effect][place]) for effect in effects)
            bodies[-1].append(row_of(Cell(told, head=True), *cells))
    heads = (Head("Other reading"), *(Head(title_of(name), "right") for name in effects))
    notes = (
        f"Amounts in {paper.currency}; bp are basis points. One term is changed at a time, also where two go together.",
        "A dash: the reading makes no difference to the key figures, or nothing in them makes use of the term.",
    )
    caption = "Assumptions, and what each other reading would change"
    text = (
        "Each assumed term with its reason; below it the other readings that are known, and the change each would make "
        "to the key figures with all else as it is."
    )
    made = Table("assumptions", caption, heads, tuple(map(tuple, bodies)), wide=True, notes=notes)
    return Section("assumptions", "Assumptions", (text,), (made,))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"
