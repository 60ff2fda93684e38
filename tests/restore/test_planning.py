"""What a flow costs, which tiles follow from that, and how a scale is reached."""

import math
from pathlib import Path

import pytest
import torch
from torch import nn

from cfmrestore.ops.tiles import Tiling
from cfmrestore.restore import free_memory, tile_planner
from cfmrestore.restore.cost_model import Cost, cost
from cfmrestore.restore.scale_passes import passes, target_size
from tests.restore.flows import NETWORK, random_flow

CPU = torch.device("cpu")


class TestProbe:
    def test_operations_of_a_convolution_are_linear(self) -> None:
        conv = nn.Conv2d(4, 8, 3, padding=1)
        found = cost(lambda side: conv(torch.zeros(1, 4, side, side)))
        assert found.linear == pytest.approx(2 * 9 * 4 * 8)
        assert found.quadratic == pytest.approx(0, abs=1e-6)
        assert found.memory >= 4 * 8  # the result, beside the input

    def test_operations_of_attention_are_quadratic(self) -> None:
        def attend(side: int) -> torch.Tensor:
            q = torch.zeros(1, 2, side**2, 16)
            return nn.functional.scaled_dot_product_attention(q, q, q)

        assert cost(attend).quadratic == pytest.approx(2 * 2 * 2 * 16)

    def test_inference_tensors_cost_the_same(self) -> None:
        """They bring whole convolutions to the counter, of which torch's table knows the parts."""
        with torch.inference_mode():
            conv, x = nn.Conv2d(4, 8, 3, padding=1), torch.zeros(1, 4, 8, 8)
        assert cost(lambda side: conv(x)).operations(1) == pytest.approx(2 * 9 * 4 * 8 * 64)

    def test_memory_is_what_lives_at_one_time(self) -> None:
        def chain(side: int) -> torch.Tensor:
            x = torch.zeros(side, side)
            for _ in range(10):
                x = x + 1
            return x

        assert cost(chain).memory == pytest.approx(8)  # two float32 at a time, not eleven

    def test_sums_and_multiples(self) -> None:
        total = Cost(1, 2, 3, 4) + Cost(1, 1, 1, 9).times(5)
        assert total == Cost(6, 7, 8, 9)
        assert total.operations(10) == 6 + 70 + 800


class TestChoice:
    COSTS = tile_planner.Costs(Cost(0, 1000, 0, 100), Cost(0, 0, 0, 0))
    ATTENTION = tile_planner.Costs(Cost(0, 1000, 1, 100), Cost(0, 0, 0, 0))

    def choose(self, costs: tile_planner.Costs, side: int, free: int, monkeypatch: pytest.MonkeyPatch) -> Tiling | None:
        monkeypatch.setattr(tile_planner, "free_bytes", lambda device: free)
        return tile_planner.choose((side, side), 1, costs, 4, 1, CPU)

    def test_what_fits_is_done_whole(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.choose(self.COSTS, 256, 2**34, monkeypatch) is None

    def test_less_memory_makes_smaller_tiles(self, monkeypatch: pytest.MonkeyPatch) -> None:
        sides = []
        for free in (2**30, 2**27, 2**24, 2**20, 0):
            tiling = self.choose(self.COSTS, 1024, free, monkeypatch)
            assert tiling is not None
            sides.append(tiling.side)
            assert free == 0 or 1.5 * 100 * tiling.side**2 <= free / 4 or tiling.side == 16
        assert sides == sorted(sides, reverse=True)
        assert sides[0] > sides[2] > sides[-1] == 16

    def test_attention_over_many_samples_is_cheaper_by_tiles(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tiling = self.choose(self.ATTENTION, 512, 2**40, monkeypatch)
        assert tiling is not None
        assert tiling.side <= 128

    @pytest.mark.parametrize("multiple", [1, 2, 8, 16])
    @pytest.mark.parametrize("side", [100, 256, 600])
    def test_what_is_chosen_is_the_cheapest(self, monkeypatch: pytest.MonkeyPatch, multiple: int, side: int) -> None:
        """By the areas of the tiles that are cut, also where a network needs larger ones than were asked for."""
        monkeypatch.setattr(tile_planner, "free_bytes", lambda device: 2**40)
        chosen = tile_planner.choose((side, side), 1, self.ATTENTION, 4, multiple, CPU)

        def operations(tiling: Tiling | None) -> float:
            windows = [side] if tiling is None else [w.stop - w.start for w in tiling.windows(side)]
            return sum(self.ATTENTION.all(4).operations(a * b) for a in windows for b in windows)

        others = [tile_planner.tiling_of(one, multiple) for one in (16, 32, 64, 128, 256)]
        assert operations(chosen) <= min(operations(one) for one in others if one.side < side)

    def test_a_batch_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tile_planner, "free_bytes", lambda device: 2**28)
        costs = tile_planner.Costs(Cost(0, 1000, 0, 1000), Cost(0, 0, 0, 0))
        assert tile_planner.choose((128, 128), 1, costs, 4, 1, CPU) is None
        assert tile_planner.choose((128, 128), 64, costs, 4, 1, CPU) is not None

    @pytest.mark.parametrize("factors", [(1,), (1, 1), (1, 1, 1, 1, 1)])
    def test_operations_are_predicted_for_networks_of_any_multiple(self, factors: tuple[int, ...]) -> None:
        from torch.utils.flop_counter import FlopCounterMode

        flow = random_flow(network={**NETWORK, "channel_factors": factors, "middle_attention": False})
        predicted = tile_planner.measure(flow, CPU).network.operations(64**2)
        x = torch.zeros(1, 12, 64, 64)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            flow.execution().velocity(flow.network, {"context": x})(x, torch.tensor(0.0))
        assert predicted == pytest.approx(counter.get_total_flops(), rel=0.02)

    def test_a_flow_is_measured(self) -> None:
        costs = tile_planner.measure(random_flow(), CPU)
        assert costs.network.linear > 1000
        assert costs.network.memory > costs.encoder.memory > 0


class TestMemory:
    def test_some_is_free(self) -> None:
        assert free_memory.free_bytes(CPU) > 2**20

    @pytest.mark.parametrize(
        ("error", "expected"),
        [
            (MemoryError(), True),
            (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate"), True),
            (RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"), True),
            (RuntimeError("CUDA error: out of memory"), True),
            (RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"), True),
            (RuntimeError("not enough memory: you tried to allocate"), True),
            (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), False),
            (ValueError("out of memory"), False),
        ],
    )
    def test_what_says_that_memory_is_out(self, error: BaseException, expected: bool) -> None:
        assert free_memory.is_out_of_memory(error) == expected

    def test_what_keeps_files_that_were_read_is_free_too(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, text in (("max", "1000"), ("current", "900"), ("stat", "anon 100\ninactive_file 700\n")):
            (tmp_path / f"memory.{name}").write_text(text)
        monkeypatch.setattr(
            free_memory, "_CGROUPS", ((str(tmp_path / "memory.max"), str(tmp_path / "memory.current")),)
        )
        assert free_memory.free_bytes(CPU) == 800


class TestPasses:
    @pytest.mark.parametrize("own", [1, 2, 3, 4])
    @pytest.mark.parametrize("scale", [0.5, 1, 1.5, 2, 3, 4, 6, 8, 16, 17])
    def test_they_multiply_to_the_scale(self, scale: float, own: int) -> None:
        runs = passes(scale, own)
        assert math.prod(own * run.before * run.after for run in runs) == pytest.approx(scale)

    @pytest.mark.parametrize("scale", [2, 4.5, 6, 12, 15, 16, 33])
    def test_nothing_of_the_input_is_lost_on_the_way(self, scale: float) -> None:
        size = 1.0
        for run in passes(scale, 4):
            size *= run.before
            assert size >= 1 - 1e-9
            size *= 4

    def test_their_number(self) -> None:
        assert [len(passes(scale, 4)) for scale in (1, 4, 4.01, 16, 17, 64)] == [1, 1, 2, 2, 3, 3]

    def test_sizes_are_rounded_and_never_empty(self) -> None:
        assert target_size((1, 7), 0.1) == (1, 1)
        assert target_size((10, 7), 1.5) == (15, 10)
