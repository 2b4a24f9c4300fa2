"""The memory reader in its two forms: fused for torch, written out for exported graphs."""

import math

import pytest
import torch

from tracker_ros.networks.blocks.reader import attend, shares


@pytest.mark.parametrize("contrast", [0.1, 3.0, 30.0])
def test_both_forms_read_the_same(contrast, monkeypatch):
    torch.manual_seed(0)
    query, memory = torch.randn(2, 30, 16), torch.randn(2, 50, 16) * contrast
    fused = attend(query, memory)
    monkeypatch.setattr(torch.compiler, "is_exporting", lambda: True)
    torch.testing.assert_close(attend(query, memory), fused, atol=1e-5 * contrast, rtol=1e-5)


def test_no_share_is_subnormal():
    torch.manual_seed(0)
    query, memory = torch.randn(1, 40, 16) * 20, torch.randn(1, 60, 16) * 20
    plain = torch.softmax(query @ memory.transpose(1, 2) / 4, 2)
    smallest = torch.finfo(torch.float32).smallest_normal
    assert ((plain > 0) & (plain < smallest)).any()  # what is to be avoided
    found = shares(query, memory)
    assert found.min() >= math.exp(-50.1) / 60
    torch.testing.assert_close(found, plain, atol=1e-7, rtol=1e-6)
