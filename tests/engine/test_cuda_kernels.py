"""The kernels of a GPU's engine, there or by Triton's interpreter: `tox run -e kernels`."""

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from knm.engine.architectures import read_decoder
from knm.engine.cpu import CpuKernels
from knm.engine.decoder import Decoder, Norm, Placement
from knm.engine.packing import Part, lay_out
from tests.engine.random_models import KINDS, random_model
from tests.kernels import DEVICE, module_of_kernels

CAPACITY = 512
SLOTS = 4
BLOCK = 64  # tokens of one prompt that a prefill's attention takes at a time


@pytest.fixture(scope="module")
def cuda() -> Any:
    """The module of kernels."""
    return module_of_kernels("knm.engine.cuda")


@pytest.fixture(scope="module", params=KINDS)
def decoder(request) -> Decoder:
    return read_decoder(random_model(request.param).model)


def there(value: Any) -> Any:
    """The same on the device that kernels run on."""
    if isinstance(value, Tensor):
        return value.to(DEVICE)
    if isinstance(value, tuple):
        return tuple(map(there, value))
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(
            **{part.name: there(getattr(value, part.name)) for part in fields(value)}
        )
    return value


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-4, atol=1e-4)


def test_norms_and_activations_are_those_of_torch(cuda, decoder):
    x, residual = drawn(5, decoder.embedding.shape[1]), drawn(5, decoder.embedding.shape[1], seed=1)
    norm: Norm = decoder.layers[0].mlp_norm
    gpu, cpu = cuda.CudaKernels(), CpuKernels()
    close(gpu.norm(there(x), there(norm)), cpu.norm(x, norm))
    for found, expected in zip(
        gpu.add_norm(there(x), there(residual), there(norm)),
        cpu.add_norm(x, residual, norm),
        strict=True,
    ):
        close(found, expected)
    wide = decoder.layers[0].up(cpu.norm(x, norm))
    close(gpu.activate(there(decoder), there(wide)), cpu.activate(decoder, wide))


def test_heads_are_turned_and_placed_as_by_torch(cuda, decoder):
    layer = decoder.layers[1]
    qkv = layer.qkv(drawn(6, decoder.embedding.shape[1]))
    rows, positions = torch.tensor([0, 3, 1, 2, 0, 1]), torch.tensor([0, 7, 300, 1, 1, 511])

    def placed(kernels: Any, at: Any) -> list[Tensor]:
        shape = (SLOTS, CAPACITY, decoder.key_value_heads, decoder.head_dim)
        keys, values = at(torch.zeros(shape)), at(torch.zeros(shape))
        into = Placement(keys, values, at(rows), at(positions), at(rows * CAPACITY + positions))
        found = kernels.place_heads(at(decoder), at(layer), at(qkv), at(positions), into)
        return [found, keys, values]

    expected = placed(CpuKernels(), lambda value: value)
    for found, right in zip(placed(cuda.CudaKernels(), there), expected, strict=True):
        close(found, right)


def written(decoder: Decoder) -> tuple[Tensor, Tensor]:
    """Keys and values of a cache."""
    shape = (SLOTS, CAPACITY, decoder.key_value_heads, decoder.head_dim)
    return drawn(*shape, seed=2), drawn(*shape, seed=3)


def test_a_step_attends_as_torch_does(cuda, decoder):
    """To places within one part of the cache, at its edges and beyond."""
    positions = torch.tensor([0, 63, 64, 255, 256, 400, 511])
    slots = torch.arange(len(positions)) % SLOTS
    q = drawn(len(positions), decoder.heads, decoder.head_dim)
    keys, values = written(decoder)
    expected = CpuKernels().attend(decoder, q, keys, values, slots, positions)
    inputs = map(there, (decoder, q, keys, values, slots, positions))
    close(cuda.CudaKernels().attend(*inputs), expected)


def test_prompts_attend_as_their_tokens_would_one_by_one(cuda, decoder):
    parts = [Part(2, 0, list(range(70))), Part(0, 100, [5]), Part(1, 0, list(range(64)))]
    (layout,) = lay_out(parts, 6 * BLOCK, BLOCK, SLOTS - 1)
    q = drawn(6 * BLOCK, decoder.heads, decoder.head_dim)
    keys, values = written(decoder)
    inputs = map(there, (decoder, q, keys, values, torch.from_numpy(layout.blocks)))
    found = cuda.attend_prompts(*inputs).cpu()
    real = np.flatnonzero(layout.slots != SLOTS - 1)
    assert len(real) == 135
    slots, positions = (torch.from_numpy(part[real]) for part in (layout.slots, layout.positions))
    close(found[real], CpuKernels().attend(decoder, q[real], keys, values, slots, positions))


@pytest.mark.parametrize("vocabulary", [7, 2048, 5000])
@pytest.mark.parametrize("top_p", [None, 0.013, 0.5, 0.95, 1.0])
def test_it_draws_what_the_cpu_draws(cuda, vocabulary, top_p):
    logits = drawn(9, vocabulary) * 4
    logits[3] = logits[3].round()  # equal ones
    logits[4, 1:] = -torch.inf
    heat = torch.tensor([0.2, 0.7, 1.0] * 3)
    mass = None if top_p is None else torch.full((9,), top_p)
    keys = torch.arange(9) * 7919 + (torch.arange(9) << 40)
    positions = torch.arange(9) * 31
    expected = CpuKernels().sample(logits, heat, mass, keys, positions)
    found = cuda.CudaKernels().sample(*map(there, (logits, heat, mass, keys, positions)))
    assert torch.equal(found.cpu(), expected)
