"""The device that networks run on."""

import importlib.util

import pytest

from unflat.core.device import best_device


def test_without_torch_it_is_the_cpu(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert best_device() == "cpu"


def test_with_torch_it_is_one_that_torch_can_use():
    torch = pytest.importorskip("torch", reason="torch is not installed")
    assert torch.zeros(1, device=best_device()).sum() == 0
