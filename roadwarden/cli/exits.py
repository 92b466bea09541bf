"""What a command answers to the shell."""

from __future__ import annotations

EXIT_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 1, 2, 130
EXIT_NOT_PASSED = 3
"""The work was done, and its outcome is not good enough."""
