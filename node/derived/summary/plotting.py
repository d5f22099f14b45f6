"""Draws a chart: axes at round numbers, lines that differ in dash too, a legend."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from node.derived.annotation import AMBER, SOFT, WHITE, Line, Rgb
from node.derived.summary.charts import Chart, Trace
from node.derived.summary.sheet import FINE, Room, Sheet, fitted_line, stroke

_MARGIN_LEFT, _MARGIN_RIGHT, _MARGIN_BOTTOM = 54, 34, 34
_TITLE, _LEGEND = 24, 17  # heights [pixel]
_TICKS = 4
_STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
_SAMPLE = 26  # of a line in the legend [pixel]


def draw_chart(sheet: Sheet, room: Room, chart: Chart) -> None:
    """The chart in its room, its legend above the lines."""
    sheet.text(room.left, room.top + 14, Line(chart.title, 14, bold=True))
    if not chart.traces:
        sheet.text(room.left, room.top + 40, Line(chart.remark, 13, colour=SOFT))
        return
    _legend(sheet, room, chart)
    rows = len(chart.traces) + bool(chart.remark)
    above = _TITLE + rows * _LEGEND + 8
    right = _MARGIN_RIGHT if chart.right_unit else 8
    plot = Room(
        room.left + _MARGIN_LEFT,
        room.top + above,
        room.width - _MARGIN_LEFT - right,
        room.height - above - _MARGIN_BOTTOM,
    )
    last = max(float(t.time_s.max(initial=1.0)) for t in chart.traces)
    span_s = max(last, *chart.left_out_s, 1.0)
    axes = {right: _Axis.of(chart, right=right) for right in (False, True)}
    _draw_axes(sheet, plot, chart, axes)
    _draw_seconds(sheet, plot, span_s)
    _draw_traces(sheet, plot, chart, axes, span_s)


@dataclass(frozen=True)
class _Axis:
    """Low and high end of an axis, the latter a multiple of its step."""

    low: float
    high: float
    step: float

    @classmethod
    def of(cls, chart: Chart, *, right: bool) -> "_Axis":
        """An axis for all traces of a side, zero included."""
        values = [t.values for t in chart.traces if t.right is right and len(t.values)]
        low = min((float(v.min()) for v in values), default=0.0)
        high = max([chart.least, *(float(v.max()) for v in values)])
        low = min(low, 0.0)
        step = round_step(high - low)
        return cls(low, step * float(np.ceil(high / step - 1e-9)), step)

    @property
    def numbers(self) -> list[float]:
        """The multiples of the step on the axis, zero among them."""
        first, last = np.ceil(self.low / self.step), round(self.high / self.step)
        return [count * self.step for count in range(int(first), last + 1)]

    def share(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """How far up the axis values lie, 0 to 1."""
        return (values - self.low) / (self.high - self.low)


def round_step(span: float, ticks: int = _TICKS) -> float:
    """A round distance between at most about ``ticks`` numbers over a span."""
    raw = max(span, 1e-6) / ticks
    power = 10.0 ** np.floor(np.log10(raw))
    return float(next(s for s in _STEPS if s * power >= raw * 0.9) * power)


def _draw_axes(sheet: Sheet, plot: Room, chart: Chart, axes: dict[bool, _Axis]) -> None:
    for right, unit in ((False, chart.unit), (True, chart.right_unit)):
        if not unit:
            continue
        axis = axes[right]
        x, anchor = (plot.right + 6, "ls") if right else (plot.left - 6, "rs")
        for number in axis.numbers:
            y = plot.bottom - float(axis.share(np.array(number))) * plot.height
            if not right:
                sheet.rule(plot.left, round(y), plot.right)
            spaced = unit if unit == "°" else f" {unit}"
            label = f"{number:g}{spaced if number == axis.numbers[-1] else ''}"
            sheet.text(x, y + 4, Line(label, 11, colour=SOFT), anchor)


def _draw_seconds(sheet: Sheet, plot: Room, span_s: float) -> None:
    step = round_step(span_s, 6)
    for count in range(int(span_s / step + 1e-6) + 1):
        x = plot.left + count * step / span_s * plot.width
        sheet.text(x, plot.bottom + 18, Line(f"{count * step:g}", 11, colour=SOFT), "ms")
    words = Line("seconds from the first image", 11, colour=SOFT)
    sheet.text(plot.right, plot.bottom + 31, words, "rs")
    sheet.rule(plot.left, plot.bottom, plot.right)


def _draw_traces(
    sheet: Sheet, plot: Room, chart: Chart, axes: dict[bool, _Axis], span_s: float
) -> None:
    pad = 4  # so that a thick line on an axis is whole
    size = ((plot.width + 2 * pad) * FINE, (plot.height + 2 * pad) * FINE)
    layer = Image.new("RGBA", size)
    draw = ImageDraw.Draw(layer)
    for time_s in chart.left_out_s:
        _cross(draw, pad + time_s / span_s * plot.width, pad + 6.0)
    for trace in chart.traces:
        x = pad + trace.time_s / span_s * plot.width
        y = pad + (1.0 - axes[trace.right].share(trace.values)) * plot.height
        points: NDArray[np.float64] = np.stack([x, y], axis=1)
        if len(points) > 1:
            stroke(draw, points, trace.colour, trace.dash, 2)
    sheet.paste(layer.reduce(FINE), plot.left - pad, plot.top - pad)


def _cross(draw: ImageDraw.ImageDraw, x: float, y: float) -> None:
    for lean in (-1, 1):
        ends = np.array([[x - 4.0, y - 4.0 * lean], [x + 4.0, y + 4.0 * lean]])
        stroke(draw, ends, AMBER, (), 2)


def _legend(sheet: Sheet, room: Room, chart: Chart) -> None:
    y = room.top + _TITLE
    for trace in chart.traces:
        draw_sample(sheet, room.left, y + 6, trace.colour, trace.dash)
        line = fitted_line(Line(_named(trace, chart), 12), room.width - _SAMPLE - 8)
        sheet.text(room.left + _SAMPLE + 8, y + 10, line)
        y += _LEGEND
    if chart.remark:
        sheet.text(room.left + _SAMPLE + 8, y + 10, Line(chart.remark, 12, colour=AMBER))


def _named(trace: Trace, chart: Chart) -> str:
    if not chart.right_unit:
        return trace.name
    return f"{trace.name} ({'right' if trace.right else 'left'})"


def draw_sample(
    sheet: Sheet, left: int, middle: int, colour: Rgb = WHITE, dash: tuple[int, ...] = ()
) -> None:
    """A piece of line for a legend, :data:`_SAMPLE` pixels long."""
    layer = Image.new("RGBA", (_SAMPLE * FINE, 8 * FINE))
    ends = np.array([[1.0, 4.0], [_SAMPLE - 1.0, 4.0]])
    stroke(ImageDraw.Draw(layer), ends, colour, dash, 3)
    sheet.paste(layer.reduce(FINE), left, middle - 4)
