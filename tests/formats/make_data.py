#!/usr/bin/env python3
"""Makes data/vN.tar.xz: a server's store and three phones as a released or older build writes them.

Usage, as root, with NIGHTLOGD and NIGHTLOG naming that build's programs:

    unshare --uts sh -c 'hostname nightlog; tests/formats/make_data.py tests/formats/data/v1.tar.xz'

(RocksDB writes the name of the machine into its files.) Run it once a format, at the commit that is
about to leave that format behind, and never again: what lies in data/ is what is out there. v1 is of
commit 644d490.
"""

import json
import os
import sys
import tarfile
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration"))
import processes  # noqa: E402

FOLDERS = ("server", "alex", "sam", "desk")
NIGHTS = ("2026-10-05", "2026-10-06")


def evening(phone, night, minutes):
    """A night of a few taps; the ids of its entries."""
    taps = [("down", "19:30"), ("asleep", "19:48"), ("awake", "23:10"), ("respond 3", "23:14"),
            ("asleep", f"23:{minutes}"), ("feed", "23:55")]
    ids = []
    for tap, time in taps:
        ids += phone.json("log", *tap.split(), "--at", f"{night} {time}")["record_ids"]
    return ids


def live(folder):
    """A family's life; what the phones showed at its end."""
    daemon = processes.Daemon(os.path.join(folder, "server")).start()
    alex, sam, desk = (processes.Phone(os.path.join(folder, name)) for name in FOLDERS[1:])
    server = daemon.address
    alex.run("family", "create", "Finches", "--name", "Alex", "--server", server)
    alex.run("child", "add", "Wren", "--zone", "Europe/London")
    alex.run("plan", "set", "--method", "graduated_extinction", "--first-night", NIGHTS[0])
    code = alex.json("invite", "--role", "caregiver")["code"]
    sam.run("join", code, "--name", "Sam", "--server", server)
    code = alex.json("invite", "--role", "consultant", "--scope", "entries")["code"]
    desk.run("join", code, "--name", "Dana", "--server", server)
    first = evening(alex, NIGHTS[0], 25)
    sam.run("sync")
    second = evening(sam, NIGHTS[1], 31)
    alex.run("sync")
    # Two values of one group, a text of two people, and a deletion.
    for phone, begin, text in ((alex, "19:40", "sang"), (sam, "20:05", "read a book")):
        phone.offline("edit", first[1], "--at", f"{NIGHTS[0]} {begin}")
        phone.offline("edit", first[0], "--text", text)
    alex.run("delete", second[-1])
    desk.run("comment", "--night", NIGHTS[0], "well held")
    for phone in (sam, alex, desk):
        phone.run("sync")
    state = alex.json("sync")
    # Saved on a phone, and not sent.
    waiting = sam.json("--offline", "log", "note", "a late tap", "--at", f"{NIGHTS[1]} 23:58")
    daemon.stop()
    return {
        "state_hash": state["state_hash"],
        "revision": state["revision"],
        "waiting": waiting["record_ids"][0],
        "deleted": second[-1],
        "conflict": first[1],
        "entries": {night: sorted(item["record"]["record_id"] for item in
                                  alex.json("--offline", "night", night)["entries"])
                    for night in NIGHTS},
    }


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory(prefix="nightlog-") as folder:
        shown = live(folder)
        with open(os.path.join(folder, "shown.json"), "w", encoding="utf-8") as file:
            json.dump(shown, file, indent=1)
        with tarfile.open(sys.argv[1], "w:xz") as archive:
            for name in (*FOLDERS, "shown.json"):
                archive.add(os.path.join(folder, name), name, filter=without_traces)


def without_traces(member):
    """Leaves out RocksDB's logs of itself, and who made the files."""
    if os.path.basename(member.name).startswith("LOG"):
        return None
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    main()
