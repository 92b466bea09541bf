"""8-bit files run fast where the CPU can, and right where it cannot."""

from __future__ import annotations

import pytest

from roadwarden.models import onnx as adapter
from roadwarden.models.cpu import has_vnni
from roadwarden.models.load import shipped_model


@pytest.mark.parametrize(
    ("flags", "vnni"),
    [("fpu avx2 avx512f avx512_bf16", False), ("fpu avx2 avx_vnni", True), ("fpu avx512f avx512_vnni", True)],
    ids=["none", "of laptops", "of servers"],
)
def test_a_cpu_says_whether_it_has_vnni(tmp_path, flags, vnni):
    place = tmp_path / "cpuinfo"
    place.write_text(f"model name\t: X\nflags\t\t: {flags}\n")
    assert has_vnni(place) is vnni


def test_a_cpu_that_cannot_be_asked_is_taken_for_an_old_one(tmp_path):
    assert not has_vnni(tmp_path / "none")


@pytest.mark.parametrize("vnni", [False, True])
def test_only_a_cpu_that_overflows_pays_for_exact_products(monkeypatch, vnni):
    """With AMX the exact product made an int8 file slower than fp32: 0.84 times its speed instead of 1.55."""
    monkeypatch.setattr(adapter, "has_vnni", lambda: vnni)
    options = adapter.open_session(shipped_model(), threads=1).get_session_options()
    if vnni:
        with pytest.raises(RuntimeError, match="x64quantprecision"):
            options.get_session_config_entry("session.x64quantprecision")
    else:
        assert options.get_session_config_entry("session.x64quantprecision") == "1"
