"""types.html: the type report as one page that opens offline, in English and Chinese."""

from __future__ import annotations

import math

from jinja2 import Environment, PackageLoader, StrictUndefined

from roadwarden.eval.protocol_report import Estimate, Share
from roadwarden.eval.type_plots import (
    AXES,
    COVERAGE_RATES,
    IOU_RATES,
    TICKS,
    bars,
    matrix,
    reliability_dots,
    sweep_lines,
)
from roadwarden.eval.type_report import TypeReport
from roadwarden.taxonomy import describe

NO_VALUE = "–"


def render_types(report: TypeReport) -> str:
    """The page."""
    environment = Environment(
        loader=PackageLoader("roadwarden.eval"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    calibration = report.calibration
    ap = {one.type: one for one in report.average_precision.types}
    return environment.get_template("types.html.j2").render(
        report=report,
        axes=AXES,
        ticks=TICKS,
        found_bars=bars(report.coverage, lambda row: row.found),
        typed_bars=bars(report.coverage, lambda row: row.typed),
        matrices=[
            (("Coverage protocol", "覆盖协议"), matrix(report.coverage)),
            (("IoU protocol, 0.5", "IoU 协议, 0.5"), matrix(report.iou)),
        ],
        dots=[
            (("Right by coverage", "按覆盖协议判定"), reliability_dots(calibration.coverage), calibration.ece),
            (("Right by IoU 0.5", "按 IoU 0.5 判定"), reliability_dots(calibration.iou), calibration.ece_iou),
        ],
        sweeps=[
            (("Coverage protocol", "覆盖协议"), sweep_lines(report.sweep, COVERAGE_RATES)),
            (("IoU protocol, 0.5", "IoU 协议, 0.5"), sweep_lines(report.sweep, IOU_RATES)),
        ],
        rows=[
            (covered, matched, ap[covered.type], describe(covered.type))
            for covered, matched in zip(report.coverage.types, report.iou.types, strict=True)
        ],
        percent=percent,
        number=number,
        spread=spread,
        finite=math.isfinite,
    )  # fmt: skip


def percent(value: float) -> str:
    """89.5 %, or a dash for no value."""
    return NO_VALUE if math.isnan(value) else f"{100 * value:.1f} %"


def number(value: float) -> str:
    """0.895, or a dash for no value."""
    return NO_VALUE if math.isnan(value) else f"{value:.3f}"


def spread(value: Share | Estimate) -> str:
    """The interval by group, 85.1–92.3 %, or a dash."""
    return NO_VALUE if math.isnan(value.low) else f"{100 * value.low:.1f}–{100 * value.high:.1f} %"
