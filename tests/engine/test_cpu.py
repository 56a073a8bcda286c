import stat
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from knm.engine import GenerationOptions, native, open_engine
from knm.engine.architectures import read_decoder
from knm.engine.cpu import CompiledKernels, CpuKernels, kernels_for
from knm.engine.decoder import Decoder, Norm, Placement
from knm.engine.native import compiled_kernels
from tests.engine.random_models import KINDS, number_requests, random_model

TYPES = (torch.float32, torch.bfloat16)
CLOSE = {torch.float32: 8e-6, torch.bfloat16: 2**-7}
pytestmark = pytest.mark.skipif(
    compiled_kernels(torch.float32) is None, reason="there is no C compiler"
)


def both(decoder: Decoder) -> tuple[CpuKernels, CompiledKernels]:
    fast = kernels_for(decoder)
    assert isinstance(fast, CompiledKernels)
    return CpuKernels(), fast


def decoder_of(heads: int, kv_heads: int, dim: int, dtype: torch.dtype) -> Decoder:
    found = read_decoder(random_model("qwen3").model)
    return replace(
        found,
        embedding=found.embedding.to(dtype),
        heads=heads,
        key_value_heads=kv_heads,
        head_dim=dim,
        attention_scale=dim**-0.5,
    )


def normal(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def close(found: Tensor, exact: Tensor) -> None:
    assert found.shape == exact.shape
    scale = exact.abs().max().clamp_min(1)
    assert (found.double() - exact.double()).abs().max() <= CLOSE[found.dtype] * scale


@settings(max_examples=40, deadline=None)
@given(
    lengths=st.lists(st.integers(1, 70), min_size=1, max_size=6),
    groups=st.sampled_from([(1, 1), (5, 5), (6, 2), (7, 1)]),
    dim=st.sampled_from([16, 64, 80, 128, 256]),
    dtype=st.sampled_from(TYPES),
    spread=st.sampled_from([0.1, 1.0, 30.0]),
    seed=st.integers(0, 2**16),
)
def test_attention_is_that_of_float64_and_each_row_by_itself(
    lengths, groups, dim, dtype, spread, seed
):
    heads, kv_heads = groups
    decoder = decoder_of(heads, kv_heads, dim, dtype)
    rows, capacity = len(lengths), max(lengths) + 3
    q = normal(rows, heads, dim, dtype=dtype, seed=seed) * spread
    keys, values = normal(2, rows, kv_heads, capacity, dim, dtype=dtype, seed=seed + 1).transpose(
        2, 3
    )
    # What lies beyond a row's length is never looked at, and two rows may look at one slot.
    slots = torch.arange(rows - 1, -1, -1) // 2
    for slot in range(rows):
        length = max([0, *(each for each, of in zip(lengths, slots, strict=True) if of == slot)])
        keys[slot, length:] = values[slot, length:] = torch.nan
    positions = torch.tensor(lengths) - 1
    _, fast = both(decoder)
    found = fast.attend(decoder, q, keys, values, slots, positions)
    for row, length in enumerate(lengths):
        one = slice(row, row + 1)
        exact = functional.scaled_dot_product_attention(
            q[one, :, None].double(),
            keys[slots[one], :length].transpose(1, 2).double(),
            values[slots[one], :length].transpose(1, 2).double(),
            scale=decoder.attention_scale,
            enable_gqa=True,
        )
        close(found[one], exact.flatten(1))
        alone = fast.attend(decoder, q[one], keys, values, slots[one], positions[one])
        assert torch.equal(alone, found[one])


@pytest.mark.parametrize("dtype", TYPES)
def test_norms_and_gates_are_those_of_float64(dtype):
    decoder = decoder_of(4, 2, 32, dtype)
    _, fast = both(decoder)
    x, residual = normal(7, 96, dtype=dtype), normal(7, 96, dtype=dtype, seed=1) * 3
    norm = Norm(normal(96, dtype=dtype, seed=2), None, 1e-6, centred=False)

    def exactly(value: Tensor) -> Tensor:
        wide = value.double()
        root = torch.rsqrt(wide.square().mean(-1, keepdim=True) + norm.eps)
        return wide * root * norm.weight.double()

    close(fast.norm(x, norm), exactly(x))
    normed, total = fast.add_norm(x, residual, norm)
    assert torch.equal(total, x + residual)
    close(normed, exactly(total))
    wide = normal(7, 192, dtype=dtype, seed=3) * 60  # far into both tails
    gate, up = wide.double().chunk(2, -1)
    close(fast.activate(decoder, wide), functional.silu(gate) * up)
    assert torch.equal(fast.activate(decoder, wide[3:4]), fast.activate(decoder, wide)[3:4])


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("kind", ["qwen3", "qwen2"])
def test_heads_go_where_torch_puts_them(kind, dtype):
    loaded = random_model(kind)
    found = read_decoder(loaded.model.to(dtype))
    layer = replace(found.layers[0], qk_norm=None)
    if kind == "qwen3":
        layer = found.layers[0]
    if found.head_dim % 32:
        found = replace(found, heads=2, key_value_heads=1, head_dim=32, rope=None)
    plain, fast = both(found)
    width = (found.heads + 2 * found.key_value_heads) * found.head_dim
    qkv, positions = normal(5, width, dtype=dtype), torch.tensor([0, 3, 11, 2, 7])
    rows = torch.tensor([4, 0, 1, 3, 2])

    def placed(kernels: CpuKernels) -> tuple[Tensor, Tensor, Tensor]:
        shape = (5, found.key_value_heads, 12, found.head_dim)
        keys, values = torch.zeros(2, *shape, dtype=dtype).transpose(2, 3)
        into = Placement(keys, values, rows, positions, rows * 12 + positions)
        return kernels.place_heads(found, layer, qkv, positions, into), keys, values

    for ours, theirs in zip(placed(fast), placed(plain), strict=True):
        close(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
def test_completions_are_those_of_torch_s_kernels(kind, monkeypatch):
    loaded, requests = random_model(kind), number_requests(6)
    texts = []
    for chosen in ("compiled", "torch"):
        monkeypatch.setenv(native.VARIABLE, chosen)
        engine = open_engine(loaded, GenerationOptions(12, 5), notify=lambda line: None)
        texts.append([done.text for done in engine.complete(requests)])
    assert texts[0] == texts[1]


def test_without_a_compiler_torch_computes(monkeypatch):
    monkeypatch.setenv("PATH", "")
    native._load.cache_clear()
    try:
        assert type(kernels_for(decoder_of(4, 2, 32, torch.float32))) is CpuKernels
    finally:
        native._load.cache_clear()


def test_a_compiler_that_fails_is_told_of_and_torch_computes(monkeypatch, tmp_path, capsys):
    compiler = tmp_path / "cc"
    compiler.write_text("#!/bin/sh\nexit 1\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    native._load.cache_clear()
    try:
        assert compiled_kernels(torch.float32) is None
    finally:
        native._load.cache_clear()
    assert "cannot be compiled, torch's are used" in capsys.readouterr().err


def test_libraries_are_kept_where_no_other_can_write(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    ours = native._directory()
    assert ours == tmp_path / "knm" / "kernels"
    assert stat.S_IMODE(ours.stat().st_mode) == 0o700
    ours.chmod(0o777)
    assert native._directory() != ours


def test_a_library_is_compiled_once_and_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    kept = []
    for _ in range(2):
        native._load.cache_clear()
        assert compiled_kernels(torch.float32) is not None
        kept.append({path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.so")})
    assert len(kept[0]) == 1
    assert kept[0] == kept[1]
