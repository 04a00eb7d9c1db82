"""One family logs: alone, then on processors that others keep busy, then while others flood the
server. Usage: flood.py NIGHTLOGD FLOOD [CALLS SECONDS]. Prints figures as JSON, with what the flood
did meanwhile; fails where the family is not served or memory grows without bound. How long its calls
take is judged by `tests/bench/run` alone."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

# What the flood may cost the server in memory: 64 MiB of large bodies, what RocksDB keeps in its
# buffers and caches of what is written, and buffers of some hundred connections.
GROWTH_MAX_BYTES = 512 << 20


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024 for name in ("VmRSS", "VmHWM")}


def processor_seconds(process):
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def from_elsewhere():
    """Floods come from other machines: the server and the family's phone, which are here, are not to
    wait for a processor that a flood's clients hold. They get what is left, so that a flood fills the
    machine, and its counts tell how much of one it was. Linux lets them go at its next tick only where
    it finds that the one that woke up has had its share: `busy` tells how much that makes."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def measure(nightlogd, program, calls, seconds):
    """{figure: value}."""
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(
            [nightlogd, f"--data_dir={data}", "--listen=127.0.0.1:0", "--web_listen=127.0.0.1:0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = process.stdout.readline().split()[-1]
            web = re.search(r"http://(.*)/", process.stdout.readline())[1]
            where = [f"--address={address}", f"--web={web}"]

            def family():
                done = subprocess.run([program, "--role=family", f"--calls={calls}", *where],
                                      stdout=subprocess.PIPE, check=True)
                return json.loads(done.stdout)

            def beside(role):
                """The figures of the family, and what the others counted, who begin with it."""
                others = subprocess.Popen([program, f"--role={role}", f"--seconds={seconds}", *where],
                                          stdout=subprocess.PIPE, preexec_fn=from_elsewhere)
                figures = family()
                return figures, json.loads(others.communicate()[0])

            quiet, before = family(), memory(process)["VmRSS"]
            busy, _ = beside("spin")
            used, began = processor_seconds(process), time.monotonic()
            flooded, counts = beside("flood")
            counts["server_processors"] = ((processor_seconds(process) - used) /
                                           (time.monotonic() - began))
            after = family()
            growth = memory(process)["VmHWM"] - before
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    assert process.returncode == 0, process.returncode
    assert counts["pushed"] > 0 and counts["hostile"] > 0, counts
    assert growth < GROWTH_MAX_BYTES, growth
    return ({f"quiet.{name}": value for name, value in quiet.items()}
            | {f"busy.{name}": value for name, value in busy.items()}
            | {f"flooded.{name}": value for name, value in flooded.items()}
            | {f"after.{name}": value for name, value in after.items()}
            | counts | {"memory_growth_bytes": growth})


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:3], *map(int, sys.argv[3:] or (1000, 20))), indent=1))
