#!/usr/bin/env python3
"""The daemon and the line between break; nothing is lost and nothing comes twice."""

import signal
import unittest

import processes


def entries(phone):
    return sorted(item["record"]["record_id"]
                  for night in ("2026-11-02", "2026-11-03")
                  for item in phone.json("--offline", "night", night)["entries"])


class RestartTest(processes.Case):
    def tap_many(self, phone, count):
        """Entries of two nights, saved offline; their ids."""
        ids = []
        for i in range(count):
            words = ("log", "cry", "--at", f"2026-11-0{2 + i % 2} 23:{i:02d}")
            ids += phone.json("--offline", *words)["record_ids"]
        return sorted(ids)

    def test_a_restart_keeps_everything_and_phones_go_on(self):
        alex, sam = self.family()
        first = self.tap_many(alex, 6)
        alex.run("sync")
        self.assertEqual(self.daemon.stop(), 0)
        second = self.tap_many(sam, 6)
        refused = sam.try_run("sync")
        self.assertEqual(refused.returncode, 3, refused.stderr)
        self.assertEqual(len(refused.stderr.strip().splitlines()), 1, refused.stderr)
        self.daemon.start()
        sam.run("sync")
        alex.run("sync")
        self.assertEqual(entries(alex), sorted(first + second))
        self.assert_in_step(alex, sam)

    def test_kill_9_in_the_middle_of_syncs_loses_nothing_that_was_saved(self):
        alex, sam = self.family()
        saved = []
        for _ in range(4):
            saved += self.tap_many(alex, 5)
            saved += self.tap_many(sam, 5)
            syncs = [phone.start("sync") for phone in (alex, sam)]
            self.daemon.stop(signal.SIGKILL)
            for sync in syncs:
                sync.wait(processes.PATIENCE_SECONDS)
            self.daemon.start()
        alex.run("sync")
        sam.run("sync")
        state = self.assert_in_step(alex, sam)
        self.assertEqual(state["pending"], 0)
        self.assertEqual(entries(alex), sorted(saved))
        self.assertEqual(entries(sam), sorted(saved))

    def test_answers_lost_after_the_commit_make_no_doubles(self):
        state = {"left": 0}

        def cut(kind, count):
            # The answer to whatever the phone sent is lost, a few times.
            if kind == "down" and count >= 2 and state["left"] > 0:
                state["left"] -= 1
                return True
            return False

        proxy = processes.BreakingProxy(lambda: self.daemon.address, cut)
        self.addCleanup(proxy.close)
        alex, sam = self.family(server=proxy.address)
        saved = self.tap_many(alex, 10)
        state["left"] = 5
        while state["left"] > 0:
            alex.try_run("sync")
        self.assertGreater(proxy.cuts, 0)
        alex.run("sync")
        sam.run("sync")
        self.assertEqual(entries(sam), saved)
        texts = [item for entry in saved for item in sam.json("history", entry)["items"]]
        self.assertEqual(len(texts), len(saved))  # one commit each
        self.assert_in_step(alex, sam)

    def test_a_pairing_whose_answer_is_lost_is_made_once(self):
        lose = {"chunk": None}

        def cut(kind, count):
            if kind == "down" and count == lose["chunk"]:
                lose["chunk"] = None
                return True
            return False

        proxy = processes.BreakingProxy(lambda: self.daemon.address, cut)
        self.addCleanup(proxy.close)
        alex, _ = self.family()
        for chunk in range(1, 5):  # one of these holds the answer to the join
            code = alex.json("invite", "--role", "viewer")["code"]
            lose["chunk"] = chunk
            viewer = self.phone(f"viewer {chunk}")
            join = ("join", code, "--name", f"Viewer {chunk}", "--server", proxy.address)
            # On a slow machine the command may give up; people then say it once more.
            if viewer.try_run(*join).returncode != 0:
                viewer.run(*join)
        self.assertGreater(proxy.cuts, 0)
        names = [member["member"]["name"] for member in alex.json("family")["members"]["members"]]
        self.assertEqual(sorted(names), ["Alex", "Sam"] + [f"Viewer {i}" for i in range(1, 5)])

    def test_one_phone_is_used_by_one_command_at_a_time(self):
        alex, _ = self.family()
        watch = processes.Watch(self, alex)
        watch.until(lambda line: True)
        # Watching does not hold the phone.
        alex.run("log", "cry", "--at", "2026-11-02 23:12")
        watch.until(lambda line: "night_summary" in line.get("record", {}))


if __name__ == "__main__":
    unittest.main(verbosity=2)
