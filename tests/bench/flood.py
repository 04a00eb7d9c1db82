"""One family logs, first alone, then while others flood the server. Usage: flood.py NIGHTLOGD FLOOD
[CALLS SECONDS]. Prints figures as JSON; fails where the family is not served or memory grows
without bound. How long its calls take is judged by `tests/bench/run` alone."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

# What the flood may cost the server in memory: 64 MiB of large bodies, what RocksDB keeps in its
# buffers and caches of what is written, and buffers of some hundred connections.
GROWTH_MAX_BYTES = 512 << 20


def memory(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return {name: int(re.search(rf"{name}:\s+(\d+)", status)[1]) * 1024 for name in ("VmRSS", "VmHWM")}


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

            quiet, before = family(), memory(process)["VmRSS"]
            # Floods come from other machines: the server is not to fight with this one's clients
            # for a processor.
            flood = subprocess.Popen([program, "--role=flood", f"--seconds={seconds}", *where],
                                     stdout=subprocess.PIPE, preexec_fn=lambda: os.nice(19))
            flooded = family()
            counts = json.loads(flood.communicate()[0])
            after = family()
            growth = memory(process)["VmHWM"] - before
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(30)
    assert process.returncode == 0, process.returncode
    assert counts["pushed"] > 0 and counts["hostile"] > 0, counts
    assert growth < GROWTH_MAX_BYTES, growth
    return ({f"quiet.{name}": value for name, value in quiet.items()}
            | {f"flooded.{name}": value for name, value in flooded.items()}
            | {f"after.{name}": value for name, value in after.items()}
            | counts | {"memory_growth_bytes": growth})


if __name__ == "__main__":
    print(json.dumps(measure(*sys.argv[1:3], *map(int, sys.argv[3:] or (1000, 20))), indent=1))
