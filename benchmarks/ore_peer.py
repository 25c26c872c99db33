"""Open Source Risk Engine beside ours: the Andersen-Buffum jump-to-default engine behind its XML application.

Its pricing engine is not among the classes that its Python module shows, so that a note becomes a trade, its market a
file of quotes, and `OREApp` runs the analytic "NPV". Import only where ``open-source-risk-engine`` is installed.

What must be set for it to solve our equation: `AdjustEquityVolatility` off (else it takes the volatility for one
implied from options on a stock that may default), `AdjustDiscounting` off, hazard rate and recovery quoted, every count
Actual/365 Fixed. What stays different: a holder who converts is paid accrued interest, and the last coupon at maturity
(``accrued_on_conversion="paid"`` here); conversion and call are tested on the days of its grid only; the stock is on a
grid that is not aligned with any barrier, and a call is made from the first node above its trigger.

A hazard rate that moves with the stock is not compared: ORE has it, as h0(t) (S0 / S)^p, but with p other than 0 it
finds h0 and the volatility step by step on its own grid, such that the credit curve's survival and at-the-money options
are met (`DefaultableEquityJumpDiffusionModel::bootstrap`), where ours takes both as they are given.

``python benchmarks/ore_peer.py`` prints what ``tests/data/convertible_ore.json`` holds.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import ORE

__all__ = ["CASES", "ore_values", "ore_version"]

DAY = "2004-06-18"
DATES = [DAY, "2004-12-18", "2005-06-18", "2005-12-18", "2006-06-18", "2006-12-18", "2007-06-18"]
NOTE = {"dates": DATES, "risk_free": 0.03, "principal": 100.0, "rates": [0.08], "shares": 100 / 1.85}
PUT = [["2006-06-18", 100.0]]
# 104 is repaid, and nothing beside it: so the last coupon is not paid to who converts, as in cases A and C.
FORFEITED = NOTE | {"principal": 104.0, "rates": [8 / 104] * 5 + [0.0]}
CASES: dict[str, dict[str, Any]] = {
    name: FORFEITED | {"stock_price": stock, "volatility": 0.6, "hazard_rate": 0.08, "recovery_rate": 0.0}
    for name, stock in (("A", 1.5), ("C", 2.5))
}
CASES |= {
    f"{name}, stock at {stock}": NOTE | terms | {"stock_price": stock}
    for name, terms in {
        "soft call and put": {
            "calls": [["2005-06-18", "2007-06-18", 100.0, 1.5]],
            "puts": PUT,
            "hazard_rate": 0.06,
            "recovery_rate": 0.3,
            "volatility": 0.35,
        },
        "call and put": {
            "calls": [["2004-12-18", "2007-06-18", 110.0, 0.0]],
            "puts": PUT,
            "hazard_rate": 0.03,
            "recovery_rate": 0.4,
            "volatility": 0.25,
        },
        "dividends": {"hazard_rate": 0.05, "recovery_rate": 0.0, "volatility": 0.4, "dividend_yield": 0.06},
    }.items()
    for stock in (1.5, 2.0, 2.5)
}
FILES = {
    "conventionsFile": "conventions.xml",
    "curveConfigFile": "curveconfig.xml",
    "marketConfigFile": "todaysmarket.xml",
    "pricingEnginesFile": "pricingengine.xml",
    "portfolioFile": "portfolio.xml",
    "marketDataFile": "market.txt",
    "fixingDataFile": "fixings.txt",
}


def ore_version() -> str:
    """Give the version of the package."""
    return version("open-source-risk-engine")


def ore_values(
    cases: Sequence[Mapping[str, Any]], *, stock_drop: float, steps_a_year: int, nodes: int, folder: Path | None = None
) -> tuple[list[float], float]:
    """Value notes in ORE: the prices of their principals, and the seconds that it needed with its market.

    A case is one of `CASES`: calls have start, end, clean price and trigger, puts a date and a clean price.
    """
    if folder is None:
        with tempfile.TemporaryDirectory() as made:
            return ore_values(cases, stock_drop=stock_drop, steps_a_year=steps_a_year, nodes=nodes, folder=Path(made))
    files = {
        "ore.xml": _ore(folder),
        "conventions.xml": CONVENTIONS,
        "curveconfig.xml": _curves(cases),
        "todaysmarket.xml": _market(cases),
        "pricingengine.xml": _engine(stock_drop, steps_a_year, nodes),
        "portfolio.xml": "<Portfolio>" + "".join(_trade(i, case) for i, case in enumerate(cases)) + "</Portfolio>",
        "market.txt": "".join(_quotes(i, case) for i, case in enumerate(cases)),
        "fixings.txt": "",
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    parameters = ORE.Parameters()
    parameters.fromFile(str(folder / "ore.xml"))
    app = ORE.OREApp(parameters, False)
    app.run()
    if errors := list(app.getErrors()):
        raise RuntimeError("; ".join(errors))
    report = app.getReport("npv")
    columns = {report.header(column): column for column in range(report.columns())}
    names, values = report.dataAsString(columns["TradeId"]), report.dataAsReal(columns["NPV"])
    by_name = dict(zip(names, values, strict=True))
    return [by_name[f"T{i}"] for i in range(len(cases))], app.getRunTime()


def _parameters(pairs: Mapping[str, Any]) -> str:
    return "".join(f'<Parameter name="{name}">{escape(str(value))}</Parameter>' for name, value in pairs.items())


def _ore(folder: Path) -> str:
    setup = {
        "asofDate": DAY,
        "inputPath": folder,
        "outputPath": folder,
        "logFile": "log.txt",
        "logMask": 31,
        "implyTodaysFixings": "N",
        "observationModel": "None",
        "continueOnError": "N",
    }
    analytic = {"active": "Y", "baseCurrency": "USD", "outputFileName": "npv.csv"}
    markets = dict.fromkeys(("lgmcalibration", "fxcalibration", "pricing", "simulation"), "default")
    return (
        f"<ORE><Setup>{_parameters(setup | FILES)}</Setup><Markets>{_parameters(markets)}</Markets>"
        f'<Analytics><Analytic type="npv">{_parameters(analytic)}</Analytic></Analytics></ORE>'
    )


CONVENTIONS = """<Conventions>
<Zero><Id>ZERO</Id><TenorBased>true</TenorBased><DayCounter>A365</DayCounter><Compounding>Continuous</Compounding>
<CompoundingFrequency>Annual</CompoundingFrequency><TenorCalendar>NullCalendar</TenorCalendar><SpotLag>0</SpotLag>
<SpotCalendar>NullCalendar</SpotCalendar><RollConvention>Unadjusted</RollConvention><EOM>false</EOM></Zero>
<CDS><Id>CDS</Id><SettlementDays>0</SettlementDays><Calendar>NullCalendar</Calendar><Frequency>Quarterly</Frequency>
<PaymentConvention>Unadjusted</PaymentConvention><Rule>CDS2015</Rule><DayCounter>A365</DayCounter>
<SettlesAccrual>true</SettlesAccrual><PaysAtDefaultTime>true</PaysAtDefaultTime></CDS>
</Conventions>"""


def _curves(cases: Sequence[Any]) -> str:
    many = range(len(cases))
    default = "".join(
        f"<DefaultCurve><CurveId>C{i}</CurveId><CurveDescription/><Currency>USD</Currency><Type>HazardRate</Type>"
        f"<DiscountCurve>Yield/USD/R{i}</DiscountCurve><DayCounter>A365</DayCounter>"
        f"<RecoveryRate>RECOVERY_RATE/RATE/C{i}/SR/USD</RecoveryRate><Quotes>"
        f"<Quote>HAZARD_RATE/RATE/C{i}/SR/USD/30Y</Quote></Quotes><Conventions>CDS</Conventions>"
        "<Extrapolation>true</Extrapolation></DefaultCurve>"
        for i in many
    )
    yields = "".join(
        f"<YieldCurve><CurveId>R{i}</CurveId><CurveDescription/><Currency>USD</Currency><DiscountCurve/>"
        f"<Segments><Direct><Type>Zero</Type><Quotes><Quote>ZERO/RATE/USD/R{i}/A365/1Y</Quote>"
        f"<Quote>ZERO/RATE/USD/R{i}/A365/30Y</Quote></Quotes><Conventions>ZERO</Conventions></Direct></Segments>"
        "<InterpolationVariable>Discount</InterpolationVariable><InterpolationMethod>LogLinear</InterpolationMethod>"
        "<YieldCurveDayCounter>A365</YieldCurveDayCounter><Extrapolation>true</Extrapolation></YieldCurve>"
        for i in many
    )
    equities = "".join(
        f"<EquityCurve><CurveId>E{i}</CurveId><CurveDescription/><Currency>USD</Currency>"
        f"<ForecastingCurve>R{i}</ForecastingCurve><Type>DividendYield</Type>"
        f"<SpotQuote>EQUITY/PRICE/E{i}/USD</SpotQuote><Quotes><Quote>EQUITY_DIVIDEND/RATE/E{i}/USD/30Y</Quote></Quotes>"
        "<DayCounter>A365</DayCounter></EquityCurve>"
        for i in many
    )
    volatilities = "".join(
        f"<EquityVolatility><CurveId>E{i}</CurveId><CurveDescription/><Currency>USD</Currency>"
        "<DayCounter>A365</DayCounter><Calendar>NullCalendar</Calendar><Dimension>ATM</Dimension>"
        "<Expiries>30Y</Expiries></EquityVolatility>"
        for i in many
    )
    securities = "".join(
        f"<Security><CurveId>S{i}</CurveId><CurveDescription/>"
        f"<RecoveryRateQuote>RECOVERY_RATE/RATE/C{i}/SR/USD</RecoveryRateQuote></Security>"
        for i in many
    )
    return (
        f"<CurveConfiguration><DefaultCurves>{default}</DefaultCurves><YieldCurves>{yields}</YieldCurves>"
        f"<EquityCurves>{equities}</EquityCurves><EquityVolatilities>{volatilities}</EquityVolatilities>"
        f"<Securities>{securities}</Securities></CurveConfiguration>"
    )


def _market(cases: Sequence[Any]) -> str:
    many = range(len(cases))
    return (
        '<TodaysMarket><Configuration id="default"/><YieldCurves id="default">'
        + "".join(f'<YieldCurve name="R{i}">Yield/USD/R{i}</YieldCurve>' for i in many)
        + '</YieldCurves><DiscountingCurves id="default">'
        '<DiscountingCurve currency="USD">Yield/USD/R0</DiscountingCurve></DiscountingCurves>'
        '<DefaultCurves id="default">'
        + "".join(f'<DefaultCurve name="C{i}">Default/USD/C{i}</DefaultCurve>' for i in many)
        + '</DefaultCurves><EquityCurves id="default">'
        + "".join(f'<EquityCurve name="E{i}">Equity/USD/E{i}</EquityCurve>' for i in many)
        + '</EquityCurves><EquityVolatilities id="default">'
        + "".join(f'<EquityVolatility name="E{i}">EquityVolatility/USD/E{i}</EquityVolatility>' for i in many)
        + '</EquityVolatilities><Securities id="default">'
        + "".join(f'<Security name="S{i}">Security/S{i}</Security>' for i in many)
        + "</Securities></TodaysMarket>"
    )


def _engine(stock_drop: float, steps_a_year: int, nodes: int) -> str:
    model = {
        "p": 0.0,
        "eta": stock_drop,
        "AdjustEquityForward": "true",
        "AdjustEquityVolatility": "false",
        "AdjustDiscounting": "false",
        "AdjustCreditSpreadToRR": "false",
        "ZeroRecoveryOverwrite": "false",
        "TreatSecuritySpreadAsCreditSpread": "false",
    }
    engine = {
        "MesherIsStatic": "true",
        "Bootstrap.CalibrationGrid": "1Y,30Y",
        "Bootstrap.TimeStepsPerYear": 24,
        "Bootstrap.StateGridPoints": 400,
        "Bootstrap.MesherEpsilon": "1E-5",
        "Bootstrap.MesherScaling": 1.5,
        "Bootstrap.Mode": "Alternating",
        "Pricing.TimeStepsPerYear": steps_a_year,
        "Pricing.StateGridPoints": nodes,
        "Pricing.MesherEpsilon": "1E-5",
        "Pricing.MesherScaling": 1.3,
        "Pricing.ConversionRatioDiscretisationGrid": "0.5,1.0,2.0",
    }
    return (
        '<PricingEngines><Product type="ConvertibleBond"><Model>DefaultableEquityJumpDiffusion</Model>'
        f"<ModelParameters>{_parameters(model)}</ModelParameters><Engine>FD</Engine>"
        f"<EngineParameters>{_parameters(engine)}</EngineParameters></Product>"
        '<Product type="Bond"><Model>DiscountedCashflows</Model><ModelParameters/><Engine>DiscountingRiskyBondEngine'
        "</Engine><EngineParameters><Parameter name='TimestepPeriod'>6M</Parameter></EngineParameters></Product>"
        "</PricingEngines>"
    )


def _dates(days: Sequence[str]) -> str:
    listed = "".join(f"<Date>{day}</Date>" for day in days)
    return (
        "<ScheduleData><Dates><Calendar>NullCalendar</Calendar><Convention>Unadjusted</Convention>"
        f"<Dates>{listed}</Dates></Dates></ScheduleData>"
    )


def _options(name: str, style: str, days: Sequence[str], prices: Sequence[float], triggers: Sequence[float]) -> str:
    """Write a schedule of calls or puts; each price holds from its day on."""
    soft = "".join(f"<Soft>{str(trigger > 0).lower()}</Soft>" for trigger in triggers)
    levels = "".join(f"<TriggerRatio>{trigger:.12g}</TriggerRatio>" for trigger in triggers)
    paid = "".join(f"<Price>{price / 100:.12g}</Price>" for price in prices)
    more = f"<Soft>{soft}</Soft><TriggerRatios>{levels}</TriggerRatios>" if name == "CallData" else ""
    return (
        f"<{name}><Styles><Style>{style}</Style></Styles>{_dates(days)}<Prices>{paid}</Prices>"
        "<PriceTypes><PriceType>Clean</PriceType></PriceTypes><IncludeAccruals><IncludeAccrual>true</IncludeAccrual>"
        f"</IncludeAccruals>{more}</{name}>"
    )


def _trade(i: int, case: Mapping[str, Any]) -> str:
    days = case["dates"]
    coupons = "".join(f"<Rate>{rate:.15g}</Rate>" for rate in case["rates"])
    calls = "".join(
        _options("CallData", "American", [start, end], [price], [trigger])
        for start, end, price, trigger in case.get("calls", ())
    )
    puts = case.get("puts", ())
    put = _options("PutData", "Bermudan", [day for day, _ in puts], [price for _, price in puts], []) if puts else ""
    principal = case.get("principal", 100.0)
    return (
        f'<Trade id="T{i}"><TradeType>ConvertibleBond</TradeType><Envelope><CounterParty>C</CounterParty>'
        "<NettingSetId/><AdditionalFields/></Envelope><ConvertibleBondData>"
        f"<BondData><IssuerId>I</IssuerId><CreditCurveId>C{i}</CreditCurveId>"
        f"<SecurityId>S{i}</SecurityId><ReferenceCurveId>R{i}</ReferenceCurveId><SettlementDays>0</SettlementDays>"
        f"<Calendar>NullCalendar</Calendar><IssueDate>{days[0]}</IssueDate><BondNotional>{principal}</BondNotional>"
        "<LegData><LegType>Fixed</LegType><Payer>false</Payer><Currency>USD</Currency>"
        "<Notionals><Notional>1</Notional></Notionals><DayCounter>30/360</DayCounter>"
        f"<PaymentConvention>Unadjusted</PaymentConvention><FixedLegData><Rates>{coupons}</Rates></FixedLegData>"
        f"{_dates(days)}</LegData></BondData>{calls}{put}"
        f"<ConversionData><Styles><Style>American</Style></Styles>{_dates([days[0], days[-1]])}"
        f"<ConversionRatios><ConversionRatio>{case['shares'] / principal:.15g}</ConversionRatio></ConversionRatios>"
        f"<Underlying><Type>Equity</Type><Name>E{i}</Name></Underlying></ConversionData></ConvertibleBondData></Trade>"
    )


def _quotes(i: int, case: Mapping[str, Any]) -> str:
    quotes = {
        f"ZERO/RATE/USD/R{i}/A365/1Y": case["risk_free"],
        f"ZERO/RATE/USD/R{i}/A365/30Y": case["risk_free"],
        f"EQUITY/PRICE/E{i}/USD": case["stock_price"],
        f"EQUITY_DIVIDEND/RATE/E{i}/USD/30Y": case.get("dividend_yield", 0.0),
        f"EQUITY_OPTION/RATE_LNVOL/E{i}/USD/30Y/ATMF": case["volatility"],
        f"RECOVERY_RATE/RATE/C{i}/SR/USD": case["recovery_rate"],
        f"HAZARD_RATE/RATE/C{i}/SR/USD/30Y": case["hazard_rate"],
    }
    return "".join(f"{DAY} {name} {value:.15g}\n" for name, value in quotes.items())


def main() -> None:
    """Print the cases with their values."""
    runs = []
    for names, drops, grids in (
        ([name for name in CASES if len(name) == 1], (1.0, 0.0), ((48, 200), (48, 400))),
        ([name for name in CASES if len(name) > 1], (1.0, 0.5), ((96, 400), (365, 400))),
    ):
        for drop in drops:
            for steps, nodes in grids:
                values, seconds = ore_values(
                    [CASES[name] for name in names], stock_drop=drop, steps_a_year=steps, nodes=nodes
                )
                run = {"stock_drop": drop, "steps_a_year": steps, "nodes": nodes, "seconds": seconds}
                runs.append(run | {"values": dict(zip(names, values, strict=True))})
    origin = f"Open Source Risk Engine {ore_version()}, as benchmarks/ore_peer.py calls it; values per 100 of principal"
    print(json.dumps({"origin": origin, "cases": CASES, "runs": runs}, indent=1))


if __name__ == "__main__":
    main()
