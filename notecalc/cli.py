"""The command ``notecalc``: each command asks a deal one question and prints the table, or writes it to a file.

It computes nothing. Heavy packages are imported where they are used, so that help and errors of usage come at once.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, TypeVar

import typer

from notecalc._answers import Form, answer, memo_summary, write
from notecalc.errors import NotecalcError, TermError, did_you_mean
from notecalc.versions import __version__

if TYPE_CHECKING:
    from notecalc.deal.deal import Deal

__all__ = ["app", "main"]

T = TypeVar("T")


def _print_version(asked: bool) -> None:  # noqa: FBT001 (typer passes the option's value)
    if asked:
        typer.echo(f"notecalc {__version__}")
        raise typer.Exit


DealName = Annotated[str, typer.Argument(metavar="DEAL", help="A bundled deal, such as ibasis-2004, or a deal file.")]
Format = Annotated[
    Form | None,
    typer.Option("--format", help="By default what FILE's suffix says, otherwise a table.", show_default=False),
]
Output = Annotated[Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write to FILE.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show where an error arose.")]
Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
]

MarketName = Annotated[
    str | None,
    typer.Option(
        metavar="MARKET", help="A bundled market, such as ibasis-2004-06-18, or a market file.", show_default=False
    ),
]


Many: TypeAlias = list[str] | None


def _number(what: str) -> Any:
    """Give an option that takes numbers and ranges of them."""
    return typer.Option(metavar="NUMBER", help=what, show_default=False)


app = typer.Typer(
    epilog="Start with: notecalc memo ibasis-2004",
    context_settings={"help_option_names": ["--help", "-h"]},
    add_completion=False,
    rich_markup_mode=None,  # plain help and errors: one clear message, with no frame around it
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line. The exit status is 0, or 2 where the input was bad."""
    app(prog_name="notecalc")


@app.callback()
def _notecalc(*, version: Version = False) -> None:
    """From the terms of a note purchase agreement to numbers, each with the clause behind it."""


@app.command(epilog="Example: notecalc memo ibasis-2004 -o out/ibasis-2004")
def memo(
    deal: DealName,
    *,
    folder: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FOLDER", help="Where to write; by default out/ and the deal's id."),
    ] = None,
    market: MarketName = None,
    scenarios: Annotated[
        str | None,
        typer.Option("--run", metavar="FOLDER", help="Of a finished run of scenarios of the deal.", show_default=False),
    ] = None,
    debug: Debug = False,
) -> None:
    """Write the memo and its tables, and print the key figures.

    The memo is a web page and its twin in Markdown, the tables are CSV. With a market it says what the notes are worth,
    with a run what its summaries say.
    """
    with _clear_errors(debug=debug):
        from notecalc._options import market_of
        from notecalc._running import batch_of
        from notecalc.report.memo import write_memo

        asked = _load(deal)
        batch = None if scenarios is None else batch_of(asked, scenarios)
        files = write_memo(asked, folder or Path("out") / asked.terms.id, market=market_of(market), batch=batch)
        write(memo_summary(asked, files), None)


@app.command(epilog="Example: notecalc cashflows ibasis-2004 --by holder -o flows.csv")
def cashflows(
    deal: DealName,
    *,
    by: Annotated[Literal["note", "holder"], typer.Option(help="One row a period, or one for each holder.")] = "note",
    form: Format = None,
    output: Output = None,
    debug: Debug = False,
) -> None:
    """Purchase, interest and principal on their payment dates.

    What a holder receives is positive. As a table, with the internal rate of return.
    """
    with _clear_errors(debug=debug):
        asked = _load(deal)
        tables = {"Cash flows": asked.cashflows(by=by)}
        rates = {"Internal rate of return": asked.irr(by=by)}
        answer(deal, asked, tables, form, output, beside=rates, leads=("holder", "period"))


@app.command(epilog="Example: notecalc closing ibasis-2004 --policy refunded --elects windward=5100000")
def closing(
    deal: DealName,
    *,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="POLICY",
            help="Reading of a surrender above the price: capped_forfeited, capped_kept, refunded or "
            "full_satisfaction; may be repeated. By default the deal's.",
            show_default=False,
        ),
    ] = None,
    elects: Annotated[
        list[str] | None,
        typer.Option(
            metavar="all|none|NAME=AMOUNT",
            help="Who surrenders notes; NAME=AMOUNT may be repeated. By default the deal's.",
            show_default=False,
        ),
    ] = None,
    form: Format = None,
    output: Output = None,
    debug: Debug = False,
) -> None:
    """What each purchaser pays, in cash and by surrendering notes.

    As a table, with the totals.
    """
    with _clear_errors(debug=debug):
        from notecalc.deal.frames import totals

        asked = _load(deal)
        table = asked.closing(policy=_one_or_all(policy), elects=_elections(elects))
        together = totals(table, [*table.columns], by="policy" if "policy" in table.index.names else None)
        if together.index.name is None:
            together = together.rename_axis("purchaser")
        answer(deal, asked, {"Closing": table}, form, output, beside={"Together": together})


@app.command(epilog="Example: notecalc captable ibasis-2004 --format json")
def captable(deal: DealName, *, form: Format = None, output: Output = None, debug: Debug = False) -> None:
    """Shares issued, reserved and promised, fully diluted."""
    with _clear_errors(debug=debug):
        asked = _load(deal)
        answer(deal, asked, {"Cap table": asked.captable()}, form, output)


@app.command(epilog="Example: notecalc dilution ibasis-2004 --conversion-price 1.75 --share-price 2.10")
def dilution(
    deal: DealName,
    *,
    conversion_price: Annotated[
        list[float] | None,
        typer.Option(
            metavar="PRICE", help="Price of a share; may be repeated. By default the deal's.", show_default=False
        ),
    ] = None,
    principal: Annotated[
        float | None, typer.Option(metavar="AMOUNT", help="Principal converted. By default all.")
    ] = None,
    share_price: Annotated[
        float | None, typer.Option(metavar="PRICE", help="Price of the stock, for the treasury-stock method.")
    ] = None,
    form: Format = None,
    output: Output = None,
    debug: Debug = False,
) -> None:
    """Ownership before and after conversion, by class and holder.

    As a table, with the headroom under the authorised shares.
    """
    with _clear_errors(debug=debug):
        asked = _load(deal)
        prices = _one_or_all(conversion_price)
        table = asked.dilution(conversion_price=prices, principal=principal, share_price=share_price)
        beside = {"Headroom under the authorised shares, all converted": asked.headroom()}
        leads = ("scenario", "class", "holder")
        answer(deal, asked, {"Dilution": table}, form, output, beside=beside, leads=leads)


@app.command(epilog="Example: notecalc headroom ibasis-2004 -o headroom.parquet")
def headroom(deal: DealName, *, form: Format = None, output: Output = None, debug: Debug = False) -> None:
    """Authorised shares left, and the lowest price that fits."""
    with _clear_errors(debug=debug):
        asked = _load(deal)
        answer(deal, asked, {"Headroom under the authorised shares, all converted": asked.headroom()}, form, output)


@app.command(
    epilog="Example: notecalc value ibasis-2004 --market ibasis-2004-06-18 --stock-price 1:3:0.5 --volatility 0.6"
)
def value(
    deal: DealName,
    *,
    market: MarketName = None,
    on: Annotated[str | None, typer.Option(metavar="DATE", help="Day of valuation.", show_default=False)] = None,
    model: Annotated[
        Literal["tsiveriotis-fernandes", "ayache-forsyth-vetzal", "goldman-sachs"] | None,
        typer.Option(help="Named after its paper.", show_default=False),
    ] = None,
    stock_price: Annotated[Many, _number("Price of the stock.")] = None,
    volatility: Annotated[Many, _number("Of the stock, a decimal.")] = None,
    risk_free: Annotated[Many, _number("Risk-free rate, a decimal, continuous.")] = None,
    credit_spread: Annotated[Many, _number("Over the risk-free rate, a decimal.")] = None,
    hazard_rate: Annotated[Many, _number("Rate of default, a decimal, for ayache-forsyth-vetzal.")] = None,
    recovery_rate: Annotated[Many, _number("Fraction recovered on default, likewise.")] = None,
    stock_drop: Annotated[Many, _number("Fraction that the stock loses on default, likewise.")] = None,
    hazard_elasticity: Annotated[Many, _number("The b of a rate p (S/S0)^-b, likewise.")] = None,
    hazard_reference_price: Annotated[Many, _number("Its S0; by default the price of the stock.")] = None,
    dividend_yield: Annotated[Many, _number("Of the stock, a decimal.")] = None,
    borrow_cost: Annotated[Many, _number("Of the stock, a decimal.")] = None,
    reset_probability: Annotated[Many, _number("That the conversion price is reset, if the deal says so.")] = None,
    greeks: Annotated[bool, typer.Option("--greeks", help="Sensitivities in place of values.")] = False,
    implied: Annotated[
        Literal["volatility", "credit", "stock-price"] | None,
        typer.Option(help="What gives the notes the price of --clean-price.", show_default=False),
    ] = None,
    clean_price: Annotated[Many, _number("Price of the notes per 100 of principal, for --implied.")] = None,
    accuracy: Annotated[Literal["fast", "standard", "reference"], typer.Option(help="How fine the grids are.")] = (
        "standard"
    ),
    form: Format = None,
    output: Output = None,
    debug: Debug = False,
) -> None:
    """What the notes are worth as convertibles, with its parts.

    Numbers may be repeated or be ranges FROM:TO:STEP: there is a row for each combination. What no option says is the
    market file's, such as term structures and cash dividends.
    """
    given = {
        "stock_price": stock_price,
        "volatility": volatility,
        "risk_free": risk_free,
        "credit_spread": credit_spread,
        "hazard_rate": hazard_rate,
        "recovery_rate": recovery_rate,
        "stock_drop": stock_drop,
        "hazard_elasticity": hazard_elasticity,
        "hazard_reference_price": hazard_reference_price,
        "dividend_yield": dividend_yield,
        "borrow_cost": borrow_cost,
        "reset_probability": reset_probability,
        "clean_price": clean_price,
    }
    with _clear_errors(debug=debug):
        from notecalc import _options
        from notecalc.core.arrays import POSITIVE, as_numbers

        asked, case, unknown = _load(deal), _options.market_of(market), (implied or "").replace("-", "_")
        with _options.named_by_option(case, given | {"on": on, "model": model}):
            if greeks and implied:
                raise TermError("--greeks", rule="left out with --implied", got=True)
            if clean_price and not implied:
                raise TermError("--clean-price", rule="left out without --implied", got=", ".join(clean_price))
            arguments = _options.value_arguments(case, on, model, given, unknown) | {"accuracy": accuracy}
            price = arguments.pop("clean_price", None)
            if price is None and case is not None and case.clean_price is not None:
                price = case.clean_price.value
            if implied and price is None:
                raise TermError("--clean-price", rule="given with --implied, or in the market file", got=None)
            if implied:
                POSITIVE.check("--clean-price", as_numbers(price, "--clean-price").reshape(-1))
                table = getattr(asked, f"implied_{unknown}")(price, **arguments)
            else:
                table = (asked.greeks if greeks else asked.value)(**arguments)
        what = f"Implied {implied}" if implied else "Sensitivities" if greeks else "Value"
        title = f"{what} by {arguments['model']}, prices per 100 of principal"
        beside = {"Market": _options.market_table_of(arguments, unknown)}
        answer(deal, asked, {title: table}, form, output, beside=beside, leads=("on", "stock_price", "volatility"))


@app.command(epilog="Example: notecalc audit ibasis-2004 --source npa=note-purchase-agreement.txt")
def audit(
    deal: DealName,
    *,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[KEY=]FILE",
            help="Text of a document to look in, named by the document's key or known by its hash; may be repeated.",
            show_default=False,
        ),
    ] = None,
    form: Format = None,
    output: Output = None,
    debug: Debug = False,
) -> None:
    """What does not tie in the papers, with its effect.

    With --source also every figure, date and name that does not stand where the deal file says.
    """
    with _clear_errors(debug=debug):
        from notecalc.deal.papers import source_counts

        asked = _load(deal)
        tables = {"Findings": asked.findings()}
        if source:
            files = _source_files(asked, source)
            looked = source_counts(asked.terms, files)
            title = (
                f"Not found where the deal file says ({looked.checked} looked up, {looked.not_checked} without a text)"
            )
            tables[title] = asked.check_sources(files)
        hidden = ("effect_amount", "effect_unit")  # the text of the effect says them
        answer(deal, asked, tables, form, output, leads=("severity", "code", "term"), hidden=hidden)


@app.command(epilog="Example: notecalc assumptions ibasis-2004 --format csv")
def assumptions(deal: DealName, *, form: Format = None, output: Output = None, debug: Debug = False) -> None:
    """What the papers do not say, and what other readings change."""
    with _clear_errors(debug=debug):
        asked = _load(deal)
        answer(deal, asked, {"Assumptions, and what each alternative changes": asked.assumptions()}, form, output)


@app.command(epilog="Example: notecalc terms ibasis-2004")
def terms(deal: DealName, *, form: Format = None, output: Output = None, debug: Debug = False) -> None:
    """Every term with its source, or why it is assumed."""
    with _clear_errors(debug=debug):
        asked = _load(deal)
        answer(deal, asked, {"Terms": asked.term_table()}, form, output)


@app.command(epilog="Example: notecalc schema -o deal.schema.json")
def schema(
    *,
    of: Annotated[Literal["deal", "market", "scenarios"], typer.Option(help="Of which kind of file.")] = "deal",
    output: Output = None,
    debug: Debug = False,
) -> None:
    """JSON Schema of a deal, market or scenario file, for editors."""
    with _clear_errors(debug=debug):
        from notecalc.batch.scenariofile import scenario_schema
        from notecalc.deal.dealfile import deal_schema
        from notecalc.deal.marketfile import market_schema

        made = {"deal": deal_schema, "market": market_schema, "scenarios": scenario_schema}[of]()
        write(json.dumps(made, indent=2, ensure_ascii=False), output)


# ---- what comes in ----


@app.command(epilog="Example: notecalc run ibasis-2004-dilution -o out/run")
def run(
    scenarios: Annotated[
        str,
        typer.Argument(metavar="SCENARIOS", help="Bundled ones, such as ibasis-2004-returns, or a scenario file."),
    ],
    *,
    folder: Annotated[
        str, typer.Option("--output", "-o", metavar="FOLDER", help="Where the run's files are, or a URL.")
    ],
    workers: Annotated[
        int | None, typer.Option(help="Processes; by default one for each core.", show_default=False)
    ] = None,
    memory: Annotated[
        str | None, typer.Option(metavar="BYTES", help="For all processes, such as 2GiB.", show_default=False)
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(metavar="ADDRESS", help="Of a Dask scheduler whose workers compute.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run that began there.")] = False,
    verify: Annotated[bool, typer.Option("--verify", help="Read a finished run again and check all of it.")] = False,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Accept blocks of another kind of machine or other versions.")
    ] = False,
    block_deadline: Annotated[
        float | None,
        typer.Option(metavar="SECONDS", help="For a block, before another process gets it.", show_default=False),
    ] = None,
    debug: Debug = False,
) -> None:
    """Compute scenarios and write them to Parquet, block by block.

    What is done stays done: after Ctrl-C (or SIGTERM), a failure or a full disk, --resume goes on. Exits 3 if some
    scenarios failed, 130 if stopped.
    """
    with _clear_errors(debug=debug):
        from notecalc._running import bytes_of, checked_run, finished_run

        if verify:
            _expect_alone(
                workers=workers, memory=memory, scheduler=scheduler, resume=resume or None,
                allow_mixed=allow_mixed or None, block_deadline=block_deadline,
            )  # fmt: skip
            write(checked_run(scenarios, folder), None)
            return
        try:
            text, failed = finished_run(
                scenarios,
                folder,
                workers=workers,
                memory=bytes_of("--memory", memory),
                scheduler=scheduler,
                resume=resume,
                allow_mixed=allow_mixed,
                block_deadline=block_deadline,
            )
        except KeyboardInterrupt:
            typer.echo(f"notecalc: stopped; what is done is in {folder}, and --resume goes on", err=True)
            raise typer.Exit(130) from None
        write(text, None)
        if failed:
            raise typer.Exit(3)


def _expect_alone(**options: Any) -> None:
    """Refuse what would be left unread beside --verify, which only reads."""
    for name, given in options.items():
        if given is not None:
            raise TermError(f"--{name.replace('_', '-')}", rule="left out with --verify, which only reads", got=given)


@contextmanager
def _clear_errors(*, debug: bool) -> Iterator[None]:
    """Turn what is wrong with the input into one message and exit status 2."""
    try:
        yield
    except BrokenPipeError:  # the reader has seen enough; typer ends in silence
        raise
    except (NotecalcError, OSError) as error:
        if debug:
            traceback.print_exception(error)
        elif isinstance(error, OSError) and error.filename is not None:
            typer.echo(f"notecalc: {error.filename}: {error.strerror}", err=True)
        else:
            typer.echo(f"notecalc: {error}", err=True)
        raise typer.Exit(2) from None


def _load(deal: str) -> Deal:
    from notecalc.deal.deal import load

    return load(deal)


def _one_or_all(given: list[T] | None) -> T | list[T] | None:
    """Give one value as itself, so that the answer has no column for scenarios or policies."""
    if not given:
        return None
    return given[0] if len(given) == 1 else given


def _elections(given: Sequence[str] | None) -> str | dict[str, str] | None:
    if not given:
        return None
    if list(given) in (["all"], ["none"]):
        return given[0]
    amounts: dict[str, str] = {}
    for word in given:
        name, _, amount = word.rpartition("=")
        if not name or name in amounts:
            raise TermError("--elects", rule="all, none, or NAME=AMOUNT once for each purchaser", got=word)
        amounts[name] = amount
    return amounts


def _source_files(deal: Deal, given: Sequence[str]) -> dict[str, Path]:
    """Texts by document; a file without a key belongs to every document whose text has its hash."""
    documents = deal.terms.documents
    files: dict[str, Path] = {}
    for word in given:
        key, equals, name = word.rpartition("=")
        if key in documents:
            files[key] = Path(name)
            continue
        known = ", ".join(f"{key} ({document.text})" for key, document in documents.items())
        if equals and not Path(word).exists():
            hint = did_you_mean(key, documents)
            raise TermError("--source", rule=f"KEY=FILE with one of the keys {known}", got=word, hint=hint)
        digest = hashlib.sha256(Path(word).read_bytes()).hexdigest()
        keys = [key for key, document in documents.items() if document.sha256 == digest]
        if not keys:
            rule = f"a text whose hash the deal file lists, or KEY=FILE with one of the keys {known}"
            raise TermError("--source", rule=rule, got=word)
        files |= dict.fromkeys(keys, Path(word))
    return files
