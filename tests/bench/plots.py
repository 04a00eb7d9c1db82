#!/usr/bin/env python3
"""Draws the curves that README.md shows: plots.py RESULTS.json, into plots/ beside this file.

Both axes are logarithmic, so a straight line is a power of x; its slope, over all points, stands in
the legend. 0 is flat, 1 grows as x does.
"""

import json
import math
import pathlib
import re
import statistics
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 200, 34, 44
COLORS = ["#2b6cb0", "#718096", "#c05621", "#2f855a"]

# File, title, what x is, what y is, factor for y, and the series: name and a pattern of figures
# whose group is x.
PLOTS = [
    ("pushes", "Durable pushes a second", "in flight", "a second", 1, [
        ("nightlog, many families", r"push\.families\.(\d+)\.calls_per_second"),
        ("bare gRPC echo, no disk", r"push\.bare\.(\d+)\.calls_per_second"),
        ("etcd", r"push\.etcd\.(\d+)\.calls_per_second"),
        ("PostgreSQL", r"postgres\.(\d+)\.commits_per_second"),
    ]),
    ("fan_out", "One commit to the last of all followers, median", "followers", "ms", 1e-3, [
        ("nightlog", r"fan_out\.nightlog\.(\d+)\.arrival_p50"),
        ("bare gRPC streams, no disk", r"fan_out\.bare\.(\d+)\.arrival_p50"),
        ("etcd", r"fan_out\.etcd\.(\d+)\.arrival_p50"),
    ]),
    ("families", "Durable pushes a second, 64 in flight", "families", "a second", 1, [
        ("nightlog", r"push\.among\.(\d+)\.calls_per_second"),
    ]),
    ("outbox", "Durable transactions a second, 64 phones", "transactions in a push", "a second", 1, [
        ("nightlog", r"outbox\.(\d+)\.transactions_per_second"),
    ]),
    ("catch_up", "A new device reads the whole family", "records", "ms", 1e-3, [
        ("CPU of the server", r"catch_up\.(\d+)\.server_cpu_p50"),
        ("until it has all", r"catch_up\.(\d+)\.wall_p50"),
    ]),
    ("history", "Commit of one tap after so many nights", "nights", "ms of CPU", 1e-6, [
        ("nightlog", r"parts\.CommitOneTapAfterNights/(\d+)\.cpu_ns"),
    ]),
    ("consultant", "A consultant of so many families", "families", "ms", 1e-3, [
        ("until her screen has all", r"consultant\.(\d+)\.open"),
        ("push until she has it, median", r"consultant\.(\d+)\.arrival_p50"),
    ]),
    ("idle", "Memory of a silent stream", "streams", "KiB", 1 / 1024, [
        ("nightlog", r"idle\.nightlog\.(\d+)\.bytes_per_stream"),
        ("bare gRPC streams", r"idle\.bare\.(\d+)\.bytes_per_stream"),
    ]),
    ("wake", "One commit to the streams of its family", "streams open", "us of CPU a stream", 1, [
        ("nightlog", r"idle\.nightlog\.(\d+)\.server_cpu_us_per_wake"),
        ("bare gRPC streams", r"idle\.bare\.(\d+)\.server_cpu_us_per_wake"),
    ]),
    ("storage", "A night on the disk", "nights of each family", "KiB", 1 / 1024, [
        ("nightlog", r"storage\.(\d+)\.bytes_per_night"),
    ]),
    ("written", "Bytes to the disk for one that was pushed", "transactions pushed", "bytes", 1, [
        ("nightlog", r"written\.(\d+)\.disk_bytes_per_request_byte"),
    ]),
    ("batch", "One synced batch of so many families", "families", "ms", 1e-6, [
        ("nightlog", r"parts\.GroupCommit/(\d+)\.ns"),
        ("bare RocksDB, the same rows", r"parts\.BareRocksdbGroupCommit/(\d+)\.ns"),
    ]),
    ("start", "Start over families of 60 nights at rest", "families", "s; 100 MB", 1, [
        ("seconds until it serves", r"start\.(\d+)\.seconds"),
        ("resident memory, 100 MB", r"start\.(\d+)\.memory_bytes"),
    ]),
]


def slope(points):
    """Of the line through the logarithms, by least squares."""
    xs, ys = ([math.log(p[i]) for p in points] for i in (0, 1))
    mx, my = statistics.mean(xs), statistics.mean(ys)
    return sum((x - mx) * (y - my) for x, y in zip(xs, ys)) / sum((x - mx) ** 2 for x in xs)


def ticks(low, high):
    return [10.0 ** e for e in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]


def number(value):
    return f"{value:,.0f}" if value >= 1 else f"{value:g}"


def draw(title, x_name, y_name, series):
    xs = [x for _, points in series for x, _ in points]
    ys = [y for _, points in series for _, y in points]
    x_ticks, y_ticks = ticks(min(xs), max(xs)), ticks(min(ys), max(ys))

    def at(value, marks, start, length):
        low, high = math.log10(marks[0]), math.log10(marks[-1])
        return start + length * (math.log10(value) - low) / ((high - low) or 1)

    def px(x):
        return at(x, x_ticks, LEFT, WIDTH - LEFT - RIGHT)

    def py(y):
        return at(y, y_ticks, HEIGHT - BOTTOM, TOP + BOTTOM - HEIGHT)

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           f'width="{WIDTH}" height="{HEIGHT}" font-family="sans-serif" font-size="11">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
           f'<text x="{LEFT}" y="18" font-size="13" font-weight="bold">{escape(title)}</text>']
    for tick in x_ticks:
        out.append(f'<path d="M{px(tick):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e2e8f0"/>')
        out.append(f'<text x="{px(tick):.1f}" y="{HEIGHT - BOTTOM + 15}" text-anchor="middle">'
                   f'{number(tick)}</text>')
    for tick in y_ticks:
        out.append(f'<path d="M{LEFT} {py(tick):.1f}H{WIDTH - RIGHT}" stroke="#e2e8f0"/>')
        out.append(f'<text x="{LEFT - 6}" y="{py(tick) + 4:.1f}" text-anchor="end">'
                   f'{number(tick)}</text>')
    out.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">'
               f'{escape(x_name)}</text>')
    out.append(f'<text transform="translate(14 {HEIGHT / 2}) rotate(-90)" text-anchor="middle">'
               f'{escape(y_name)}</text>')
    for i, (name, points) in enumerate(series):
        color = COLORS[i % len(COLORS)]
        path = "L".join(f"{px(x):.1f} {py(y):.1f}" for x, y in points)
        out.append(f'<path d="M{path}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{px(x):.1f}" cy="{py(y):.1f}" r="3" fill="{color}"/>'
                for x, y in points]
        y = TOP + 14 + 32 * i
        out.append(f'<path d="M{WIDTH - RIGHT + 10} {y - 4}h16" stroke="{color}" '
                   'stroke-width="2"/>')
        out.append(f'<text x="{WIDTH - RIGHT + 32}" y="{y}">{escape(name)}</text>')
        if len(points) > 1:
            out.append(f'<text x="{WIDTH - RIGHT + 32}" y="{y + 13}" fill="#718096">'
                       f'slope {slope(points):+.2f}</text>')
    return "\n".join([*out, "</svg>", ""])


def series_of(patterns, factor, results):
    """What there is of a plot's series: names and points."""
    series = []
    for name, pattern in patterns:
        found = ((re.fullmatch(pattern, figure), values) for figure, values in results.items())
        scale = 1e-8 if "memory" in pattern else factor
        points = sorted((float(match[1]), statistics.median(values) * scale)
                        for match, values in found if match)
        if points:
            series.append((name, points))
    return series


def print_slopes(results):
    """How each curve grows: 0 is flat, 1 grows as x does."""
    for _, title, x_name, _, factor, patterns in PLOTS:
        for name, points in series_of(patterns, factor, results):
            if len(points) > 1:
                print(f"{title + ': ' + name:86} slope {slope(points):+.2f} over {x_name} "
                      f"{points[0][0]:,.0f} to {points[-1][0]:,.0f}")


def main():
    results = json.loads(pathlib.Path(sys.argv[1]).read_text())["figures"]
    folder = pathlib.Path(__file__).resolve().parent / "plots"
    folder.mkdir(exist_ok=True)
    for file, title, x_name, y_name, factor, patterns in PLOTS:
        series = series_of(patterns, factor, results)
        if series:
            (folder / f"{file}.svg").write_text(draw(title, x_name, y_name, series))


if __name__ == "__main__":
    main()
