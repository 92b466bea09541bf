from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None, max_examples=50)  # a busy machine is no fault of the code
settings.load_profile("unhurried")
