"""A worker of the queue whose judge takes its time and says NOT_REPAIRED; made to be killed.

python queue_worker.py DATABASE NAME SECONDS
"""

from __future__ import annotations

import sys
import time
from datetime import timedelta

from assessing_world import judged

from roadwarden.cases.assessments import JobRule
from roadwarden.errors import StaleCase
from roadwarden.service.assessing import Assessing
from roadwarden.service.cases import CaseDesk
from roadwarden.storage.engine import open_engine

LEASE = timedelta(seconds=2)


def main(database, name, seconds):
    queue = Assessing(CaseDesk(open_engine(database)), name, 0.0, JobRule(lease=LEASE, most_tries=50))
    while True:
        queue.sync()
        while (taken := queue.take()) is not None:
            print(f"took {taken.job.case} {taken.job.report_seq}", flush=True)
            time.sleep(seconds)
            try:
                queue.keep(taken, judged())
            except StaleCase:
                continue
            print(f"kept {taken.job.case} {taken.job.report_seq}", flush=True)
        print("idle", flush=True)
        time.sleep(0.2)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
