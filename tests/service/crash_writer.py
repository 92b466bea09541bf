"""Writes one event a key to shared cases, several at a time, and says of each when it is kept; made to be killed.

python crash_writer.py DATABASE NAME FIRST LAST THREADS
"""

from __future__ import annotations

import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from roadwarden.cases.events import Role, SafetyMeasure
from roadwarden.cases.permissions import Person
from roadwarden.service.cases import Ask, CaseDesk
from roadwarden.storage.engine import open_engine

CASES = 20
OFFICER = Person("u3", Role.DUTY_OFFICER, frozenset({"*"}))


def main(database, name, first, last, threads):
    desk = CaseDesk(open_engine(database))
    lock = threading.Lock()

    def write(number):
        key = f"{name}-{number}"
        done = desk.record(OFFICER, f"HZ-{number % CASES}", SafetyMeasure(key), Ask(key=key))
        with lock:  # a line is whole, or missing
            print(f"kept {key} {done.row.case_id} {done.row.version} {int(done.repeated)}", flush=True)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(first, last)))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
