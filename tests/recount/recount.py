#!/usr/bin/env python3
"""Counts every night of a Baby Connect log a second time, and compares.

The server's own code derives each night from synced log entries. This script knows nothing of it: it
reads the CSV export itself and follows the written definitions alone, so that an error would have to
be made twice, in two languages, to go unseen.

    recount.py CSV NIGHTS --zone ZONE [--window 19:00-07:00] [--desired-rise 06:00] [--expect N]

NIGHTS is the output of `nightlog nights --json`. Prints each difference; exit code 0: none, 1: some,
2: an input cannot be read. With --expect the count of nights must be N.

What such a log holds: sleeps of two caregivers (some still open), no put-downs, no wakings, no
crying, no rises. So what rests on these is unknown here, and unknown is checked too.
"""

import argparse
import csv
import json
import sys
from datetime import date, datetime, time, timedelta, timezone
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
BOUT_MAX = timedelta(hours=16)
SAME_EVENT = timedelta(minutes=10)
TOLERANCE = 1e-6

# What needs entries that the export does not have.
UNKNOWN = [
    "sol_min", "cry_min", "cry_bedtime_min", "response_latency_median_min",
    "response_latency_max_min", "put_down_at", "rise_at", "terminal_wake_min",
]


def at(day, clock, zone):
    """The moment of a clock time; where the clocks change, by the clock before the change."""
    return datetime.combine(day, clock, zone).astimezone(timezone.utc)


def read_local(text):
    return datetime.strptime(text, "%m/%d/%y %I:%M %p")


def moments(local, zone):
    """The readings of a local time, by the clock before and after a change; mostly one."""
    return [local.replace(tzinfo=zone, fold=fold).astimezone(timezone.utc) for fold in (0, 1)]


class Sleep:
    def __init__(self, begin, end, who):
        self.begin, self.end, self.who = begin, end, who


def read_sleeps(path, zone):
    """All sleeps, oldest first, and the moments of all rows."""
    sleeps, touched = [], []
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            begins = moments(read_local(row["Date and Time"]), zone)
            begin, end = begins[0], None
            if row["End Time"]:
                pairs = [(b, e) for b in begins for e in moments(read_local(row["End Time"]), zone)
                         if e >= b]
                if not pairs:
                    continue  # It ends before it begins: not a log entry.
                begin, end = pairs[0]
                if row["Duration (min)"]:
                    length = timedelta(minutes=float(row["Duration (min)"]))
                    fitting = [(b, e) for b, e in pairs if abs(e - b - length) <= MINUTE]
                    begin, end = (fitting or pairs)[0]
            touched.append(begin)
            if row["Activity"] == "Sleep":
                sleeps.append(Sleep(begin, end, row["Caregiver"]))
    sleeps.sort(key=lambda sleep: sleep.begin)
    return sleeps, touched


def close_open_sleeps(sleeps):
    """Drops sleeps that are mistakes or covered by another; the ones left open stay open.

    Nothing but another caregiver's sleep can close a sleep in such a log.
    """
    valid = [s for s in sleeps
             if s.end is None or timedelta(0) < s.end - s.begin <= BOUT_MAX]
    closed = [s for s in valid if s.end is not None]
    kept = list(closed)
    for sleep in valid:
        if sleep.end is not None:
            continue
        if any(c.begin <= sleep.begin < c.end for c in closed):
            continue
        same = [c for c in closed
                if c.who != sleep.who and timedelta(0) <= c.begin - sleep.begin <= SAME_EVENT]
        kept.append(Sleep(sleep.begin, same[0].end if same else None, sleep.who))
    return sorted(kept, key=lambda sleep: sleep.begin)


def unite(sleeps):
    """Disjoint bouts (begin, end), oldest first; sleeps that touch are one."""
    bouts = []
    for sleep in sleeps:
        if sleep.end is None:
            continue
        if bouts and sleep.begin <= bouts[-1][1]:
            bouts[-1][1] = max(bouts[-1][1], sleep.end)
        else:
            bouts.append([sleep.begin, sleep.end])
    return [tuple(bout) for bout in bouts]


class Night:
    """The calendar of one night: the evening of `day` and the morning after."""

    def __init__(self, day, zone, window, desired_rise):
        self.day, self.zone = day, zone
        self.desired_rise = at(day + timedelta(1), desired_rise, zone)
        self.noon = at(day, time(12), zone)
        self.next_noon = at(day + timedelta(1), time(12), zone)
        start, end = window
        evenings = [day + timedelta(offset) for offset in (-2, -1, 0, 1)]
        self.windows = [(at(evening, start, zone),
                         at(evening + timedelta(1) if end <= start else evening, end, zone))
                        for evening in evenings]


    def is_night(self, bout):
        begin, end = bout
        inside = sum((max(timedelta(0), min(end, e) - max(begin, b)) for b, e in self.windows),
                     timedelta(0))
        return inside * 2 >= end - begin

    def owns_night(self, bout):
        midpoint = bout[0] + (bout[1] - bout[0]) / 2
        return self.noon <= midpoint < self.next_noon

    def owns_nap(self, bout):
        midpoint = bout[0] + (bout[1] - bout[0]) / 2
        return midpoint.astimezone(self.zone).date() == self.day

    def in_window(self, moment):
        return any(b <= moment < e for b, e in self.windows)


def minutes(span):
    return span / MINUTE


def tenth(value):
    return int(value * 10 + 0.5) / 10


def summarize(night, bouts, open_sleeps):
    """The metrics of one night; None: not known."""
    own = [b for b in bouts if night.is_night(b) and night.owns_night(b)]
    naps = [b for b in bouts if not night.is_night(b) and night.owns_nap(b)]
    open_night = [s for s in open_sleeps
                  if night.in_window(s.begin) and night.noon <= s.begin < night.next_noon]
    open_nap = [s for s in open_sleeps
                if not night.in_window(s.begin)
                and s.begin.astimezone(night.zone).date() == night.day]
    result = dict.fromkeys(
        ["onset_at", "final_wake_at", "nwak", "nwak5", "waso_min", "tst_night_min",
         "longest_stretch_min", "spt_min", "tib_min", "sleep_efficiency_pct",
         "sleep_maintenance_pct", "early_wake_min", "nap_count", "nap_min", "tst24_min", "stn_24_05", "stn_8h",
         "stn_22_06", "self_settled_wakings", "self_settled_pct"] + UNKNOWN)

    # A day without any sleep logged says nothing of naps.
    if own or naps or open_night or open_nap:
        result["nap_count"] = len(naps) + len(open_nap)
        if not open_nap:
            result["nap_min"] = minutes(sum((e - b for b, e in naps), timedelta(0)))

    if not own and not open_night:
        result["status"] = "no_sleep"
        return result

    zone = night.zone
    spans = {"stn_24_05": (at(night.day + timedelta(1), time(0), zone),
                           at(night.day + timedelta(1), time(5), zone)),
             "stn_22_06": (at(night.day, time(22), zone),
                           at(night.day + timedelta(1), time(6), zone))}
    through = {name: any(b <= first and last <= e for b, e in own)
               for name, (first, last) in spans.items()}
    through["stn_8h"] = any(e - b >= timedelta(hours=8) for b, e in own)

    begins = sorted([b for b, _ in own] + [s.begin for s in open_night])
    result["onset_at"] = begins[0]
    gaps = [later[0] - earlier[1] for earlier, later in zip(own, own[1:])]

    if open_night:
        result["status"] = "incomplete"
        # A lower bound: an open sleep may have lasted until the next one began.
        known = list(own)
        for sleep in open_night:
            later = [b for b, _ in own if b >= sleep.begin]
            known.append((sleep.begin, min(later, default=sleep.begin)))
        known.sort()
        gaps = [later[0] - earlier[1] for earlier, later in zip(known, known[1:])]
        # The final wake is known if a sleep with an end came last.
        if own and own[-1][0] > max(sleep.begin for sleep in open_night):
            result["final_wake_at"] = own[-1][1]
        result["nwak"] = sum(gap >= MINUTE for gap in gaps)
        result["nwak5"] = sum(gap >= 5 * MINUTE for gap in gaps)
        for name, met in through.items():
            result[name] = True if met else None
        return result

    result["status"] = "complete"
    result.update(through)
    onset, final_wake = own[0][0], own[-1][1]
    result["final_wake_at"] = final_wake
    tst = sum((e - b for b, e in own), timedelta(0))
    spt = final_wake - onset
    result["nwak"] = sum(gap >= MINUTE for gap in gaps)
    result["nwak5"] = sum(gap >= 5 * MINUTE for gap in gaps)
    # Nobody logged a response, so every waking ended without one.
    result["self_settled_wakings"] = result["nwak"]
    result["self_settled_pct"] = 100.0 if result["nwak"] else None
    result["phase"], result["phase_since"] = "awake", final_wake
    result["waso_min"] = minutes(sum(gaps, timedelta(0)))
    result["tst_night_min"] = minutes(tst)
    result["longest_stretch_min"] = minutes(max(e - b for b, e in own))
    result["spt_min"] = minutes(spt)
    result["tib_min"] = minutes(spt)  # neither put-down nor rise: onset to final wake
    result["tib_fallback"] = True
    result["sleep_efficiency_pct"] = tenth(100 * tst / spt)
    result["sleep_maintenance_pct"] = tenth(100 * tst / spt)
    result["early_wake_min"] = max(0.0, minutes(night.desired_rise - final_wake))
    if result["nap_min"] is not None:
        result["tst24_min"] = minutes(tst) + result["nap_min"]
    return result


def recount(path, zone, window, desired_rise=time(6)):
    """Every night that the log touches: date → metrics."""
    sleeps, touched = read_sleeps(path, zone)
    kept = close_open_sleeps(sleeps)
    bouts = unite(kept)
    open_sleeps = [s for s in kept if s.end is None]
    first = (min(touched).astimezone(zone) - timedelta(hours=12)).date()
    last = max(touched).astimezone(zone).date()
    nights = {}
    day = first
    while day <= last:
        night = Night(day, zone, window, desired_rise)
        near = [bout for bout in bouts if abs(bout[0] - night.noon) <= timedelta(2)]
        nights[day.isoformat()] = summarize(night, near, open_sleeps)
        day += timedelta(1)
    return nights


def same(expected, actual):
    if isinstance(expected, datetime):
        return actual is not None and datetime.fromisoformat(actual.replace("Z", "+00:00")) == expected
    if isinstance(expected, float) or (isinstance(actual, float) and expected is not None):
        return actual is not None and abs(expected - actual) <= TOLERANCE
    return expected == actual


def compare(expected_nights, actual_nights):
    """One sentence a difference."""
    differences = []
    actual_by_date = {night["date"]: night for night in actual_nights}
    if len(actual_by_date) != len(actual_nights):
        differences.append("a date stands twice in the nights")
    for day in sorted(expected_nights.keys() | actual_by_date.keys()):
        if day not in actual_by_date:
            differences.append(f"{day}: missing")
        elif day not in expected_nights:
            differences.append(f"{day}: not in the log")
        else:
            actual = actual_by_date[day]
            for field, expected in sorted(expected_nights[day].items()):
                if not same(expected, actual.get(field)):
                    shown = expected.isoformat() if isinstance(expected, datetime) else expected
                    differences.append(
                        f"{day}: {field}: recounted {shown}, derived {actual.get(field)}")
    return differences


def parse_window(text):
    start, end = text.split("-")
    return time.fromisoformat(start), time.fromisoformat(end)


def main():
    parser = argparse.ArgumentParser(description="Counts the nights of a log a second time.")
    parser.add_argument("csv")
    parser.add_argument("nights")
    parser.add_argument("--zone", required=True, type=ZoneInfo)
    parser.add_argument("--window", default="19:00-07:00", type=parse_window)
    parser.add_argument("--desired-rise", default="06:00", type=time.fromisoformat)
    parser.add_argument("--expect", type=int, help="how many nights there must be")
    arguments = parser.parse_args()
    try:
        with open(arguments.nights, encoding="utf-8") as file:
            actual = json.load(file)["nights"]
        expected = recount(arguments.csv, arguments.zone, arguments.window,
                           arguments.desired_rise)
    except (OSError, ValueError, KeyError) as error:
        print(f"cannot be read: {error}", file=sys.stderr)
        return 2
    differences = compare(expected, actual)
    if arguments.expect is not None and len(expected) != arguments.expect:
        differences.append(f"the log has {len(expected)} nights, not {arguments.expect}")
    for difference in differences:
        print(difference)
    print(f"{len(expected)} nights recounted, {len(differences)} differences")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
