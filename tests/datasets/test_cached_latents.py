"""Caches of latents as data: an order that depends on nobody, entries read alone, foreign ones refused."""

import json
import pickle
import random
import shutil
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch import Tensor
from torch.utils.data import DataLoader

from cfmrestore.contracts import CONTRACTS
from cfmrestore.datasets import CachedLatents, Draw, DrawSampler, Mixture
from cfmrestore.datasets.latent_cache.block_order import BucketOrder, ShardOrder
from cfmrestore.datasets.latent_cache.shards import (
    HIGH,
    INDEX,
    LABEL,
    LIFTED,
    CacheIndex,
    Shard,
    ShardEntry,
    ShardInfo,
    pack_shard,
)
from cfmrestore.registry import DATASETS
from tests.restore.flows import random_flow

DEGRADATION = {"type": "Downscale", "scale": 2}


def flow_of(**keys):
    return random_flow(
        scale=2, data_preprocessor={"type": "RestorationPreprocessor", "degradation": DEGRADATION}, **keys
    )


def write(
    folder: Path, count: int, *, shard: int = 100, versions: int = 1, sizes: tuple[int, ...] = (8,), flow=None
) -> tuple[Path, dict[str, Tensor]]:
    """A cache of numbers: entry n of the whole is filled with n in all its moments."""
    made = {**(flow or flow_of()).data_recipe()}
    parts = {HIGH: "high", LIFTED: made.pop("input")}
    recipe = {"flow": {**made, "parts": parts}, "data": {"classes": ["a", "b", "c"]}}
    folder.mkdir(parents=True)
    entries, values = [], {}
    index = CacheIndex(recipe, versions, ())
    for version in range(versions):
        for first in range(0, count, shard):
            size = sizes[first // shard % len(sizes)]
            images = tuple(f"{n:06d}.png" for n in range(first, min(first + shard, count)))
            numbers = torch.arange(len(images)) + first + version * count
            filled = numbers[:, None, None, None].expand(-1, 3, size, size).half()
            tensors = {HIGH: filled, LIFTED: -filled, LABEL: numbers % 3}
            file = f"{version}-{first:06d}.safetensors"
            info = ShardInfo(index.digest, version, images, (size, size))
            (folder / file).write_bytes(pack_shard(tensors, info))
            entries.append(ShardEntry(file, version, (size, size), len(images)))
            values |= {f"{image}:{version}": filled[row] for row, image in enumerate(images)}
    (folder / INDEX).write_text(CacheIndex(recipe, versions, tuple(entries)).text())
    return folder, values


def test_every_entry_is_read_alone(tmp_path: Path) -> None:
    folder, values = write(tmp_path / "cache", 25, shard=10, versions=2)
    data = DATASETS.build({"type": "CachedLatents", "data_root": str(folder)})
    assert len(data) == len(values) == 50
    assert len({data.name(index) for index in range(50)}) == 50
    for index in range(50):
        sample = data[index]
        moments = values[sample["data_samples"]["name"]]
        assert torch.equal(sample["inputs"][HIGH], moments)
        assert torch.equal(sample["inputs"][LIFTED], -moments)
        assert sample["inputs"][LABEL] == data.label(index) == int(moments[0, 0, 0]) % 3
    assert data.metainfo["classes"] == ["a", "b", "c"]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_every_type_comes_back(tmp_path: Path, dtype: torch.dtype) -> None:
    moments = torch.randn(3, 4, 2, 5).to(dtype)
    path = tmp_path / "one.safetensors"
    path.write_bytes(pack_shard({HIGH: moments}, ShardInfo("d", 0, ("a", "b", "c"), (8, 20))))
    shard = Shard(path)
    assert shard.info == ShardInfo("d", 0, ("a", "b", "c"), (8, 20))
    for row in range(3):
        found = shard.row(row)[HIGH]
        assert found.dtype == dtype
        assert torch.equal(found, moments[row])
    shard.close()


def test_seeds_are_those_of_a_folder_of_images(tmp_path: Path) -> None:
    """Version v in epoch e is epoch e V + v of the image."""
    folder, _ = write(tmp_path / "cache", 6, versions=3)
    data = CachedLatents(data_root=str(folder), seed=5)
    online = DATASETS.build({"type": "Digits", "seed": 5})
    online.name = lambda index: f"{index:06d}.png"
    for index, version in ((0, 0), (7, 1), (16, 2)):
        for epoch in (0, 1, 4):
            assert data.seed_of(index, epoch) == online.seed_of(index % 6, 3 * epoch + version)


def test_an_order_is_a_permutation_by_windows_of_shards() -> None:
    counts = [100] * 37 + [13]
    order = ShardOrder(counts, 3, window=400)
    found = [order[place] for place in range(len(order))]
    assert sorted(found) == list(range(sum(counts)))
    assert found != [ShardOrder(counts, 4, window=400)[place] for place in range(len(order))]
    touched = [{number // 100 for number in found[begin : begin + 100]} for begin in range(0, len(found) - 100, 100)]
    assert max(map(len, touched)) <= 10  # two windows of four shards, and a rest
    assert np.mean([len(one) for one in touched]) > 2.5
    other = [ShardOrder(counts, 3, window=400)[place] for place in (3700, 5, 1999)]
    assert other == [found[3700], found[5], found[1999]]


def test_a_group_is_of_one_size() -> None:
    buckets = [[50, 50, 7], [30], [3]]
    order = BucketOrder(buckets, 1, window=50, group=8)
    found = [order[place] for place in range(len(order))]
    assert len(found) == len(set(found)) == 8 * (107 // 8 + 30 // 8)
    for begin in range(0, len(found), 8):
        assert len({(number >= 107) + (number >= 137) for number in found[begin : begin + 8]}) == 1
    left = [
        set(range(107)) - {BucketOrder(buckets, seed, 50, 8)[place] for place in range(len(order))} for seed in (1, 2)
    ]
    assert left[0] != left[1]


def test_batches_of_several_sizes(tmp_path: Path) -> None:
    folder, _ = write(tmp_path / "cache", 90, shard=20, sizes=(8, 12))
    with pytest.raises(ValueError, match=r"2 sizes \(8x8, 12x12 \.\.\.\): give group"):
        CachedLatents(data_root=str(folder))
    with pytest.raises(ValueError, match="less than group=60"):
        CachedLatents(data_root=str(folder), group=60)
    data = CachedLatents(data_root=str(folder), group=6)
    stream = islice(DrawSampler(dataset=data), 600)
    draws = [(draw.epoch, data[draw]["inputs"][HIGH].shape[-1]) for draw in stream]
    assert {len({side for _, side in draws[begin : begin + 6]}) for begin in range(0, 600, 6)} == {1}
    assert {side for _, side in draws} == {8, 12}
    assert draws[83][0] == 0  # 50 of one size and 40 of the other make 8 and 6 groups
    assert draws[84][0] == 1


def names(data: CachedLatents, first: int, steps: int, ranks: int, workers: int, batch: int = 12) -> list[str]:
    """The images of some steps as that many ranks read them, in the order of the stream."""
    found = {}
    for rank in range(ranks):
        sampler = DrawSampler(dataset=data, seed=1)
        sampler.rank, sampler.world_size, sampler.first = rank, ranks, first
        loader = DataLoader(
            data, batch // ranks, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate,
            multiprocessing_context="fork" if workers else None,
        )  # fmt: skip
        for one in islice(loader, steps):
            found |= dict(zip(one["data_samples"]["number"], one["data_samples"]["name"], strict=True))
    assert sorted(found) == list(range(first, first + steps * batch))
    return [found[number] for number in sorted(found)]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")
def test_the_order_outlives_stops_ranks_and_workers(tmp_path: Path) -> None:
    """Over two epochs and more, stopped at random places, each time with other ranks and workers."""
    folder, _ = write(tmp_path / "cache", 210, shard=20, versions=2)
    data = CachedLatents(data_root=str(folder), window=60)
    rng = random.Random(4)
    settings = [(ranks, workers) for ranks in (1, 2, 3) for workers in (0, 1, 2, 3)]
    rng.shuffle(settings)
    stopped: list[str] = []
    for ranks, workers in settings:
        stopped += names(data, len(stopped), rng.randint(3, 12), ranks, workers)
    assert len(stopped) > 2 * len(data)
    again = CachedLatents(data_root=str(folder), window=60)
    assert stopped == names(again, 0, len(stopped) // 12, 1, 0)
    assert sorted(stopped[:420]) == sorted(data.name(index) for index in range(420))


def test_twenty_thousand_entries_start_at_once_and_stay_flat(tmp_path: Path) -> None:
    """What the sampler and the dataset hold grows with the shards, and not with the entries."""
    folder, _ = write(tmp_path / "cache", 20_000, shard=500)
    data = CachedLatents(data_root=str(folder), window=1000)
    sampler = DrawSampler(dataset=data)
    assert len(pickle.dumps(data)) < 200 * 40
    order = data.order(1)
    assert len(pickle.dumps({**vars(order), "_permutation": None})) < 200 * 40
    begun = list(islice(sampler, 700))
    assert len(data._open) == 0  # nothing is read to know the order
    assert len({draw.image // 500 for draw in begun}) <= 4
    for draw in begun[:50]:
        assert data[draw]["inputs"][HIGH][0, 0, 0] == torch.tensor(draw.image).half()
    assert len(data._open) <= 4
    assert sorted(order[place] for place in range(20_000)) == list(range(20_000))


def test_few_shards_are_open(tmp_path: Path) -> None:
    folder, values = write(tmp_path / "cache", 300, shard=2)
    data = CachedLatents(data_root=str(folder))
    for index in range(300):
        assert torch.equal(data[index]["inputs"][HIGH], values[data.name(index)])
    assert len(data._open) == 64
    assert torch.equal(pickle.loads(pickle.dumps(data))[5]["inputs"][HIGH], data[5]["inputs"][HIGH])


def test_caches_in_a_mixture(tmp_path: Path) -> None:
    first, _ = write(tmp_path / "first", 30, shard=7)
    second, _ = write(tmp_path / "second", 50, shard=7, versions=2)
    parts = [{"type": "CachedLatents", "data_root": str(folder)} for folder in (first, second)]
    data = Mixture(datasets=parts, weights=[1, 3], seed=2)
    data.check_flow(flow_of())
    sampler = DrawSampler(dataset=data, seed=2)
    draws = list(islice(sampler, 2 * len(data)))
    found = [data.name(draw.image) for draw in draws[: len(data)]]
    assert sum(name.startswith("0/") for name in found) * 4 == pytest.approx(len(data), abs=4)
    seen = [data[draw]["data_samples"] for draw in draws]
    assert {one["name"] for one in seen[:130]} >= {f"{n:06d}.png:0" for n in range(30)}
    assert len({one["seed"] for one in seen}) == len(seen)
    sampler.first = 77
    assert list(islice(sampler, 20)) == draws[77:97]
    with pytest.raises(ValueError, match="another degradation"):
        data.check_flow(random_flow(scale=2))


def test_a_flow_of_another_space_or_degradation_is_refused(tmp_path: Path) -> None:
    folder, _ = write(tmp_path / "cache", 4)
    data = CachedLatents(data_root=str(folder))
    data.check_flow(flow_of())
    preprocessor = {"type": "RestorationPreprocessor", "degradation": DEGRADATION}
    others = [
        (flow_of(encoder={"type": "Haar", "factor": 4}), "cache of another encoder than the flow's"),
        (random_flow(scale=4, data_preprocessor=preprocessor), "cache of another scale"),
        (random_flow(scale=2), "cache of another degradation"),
        (flow_of(coupling={"type": "LowresLatent", "upsample": "latent"}), "encoded as 'low', and .* holds"),
        (flow_of(coupling={"type": "LowresLatent", "upsample": "bilinear"}), "encoded as 'bilinear'"),
        (flow_of(loss={"type": "Perceptual", "net": "SeededNet"}), "Perceptual compares pictures"),
    ]
    for flow, message in others:
        with pytest.raises(ValueError, match=message):
            data.check_flow(flow)


def test_what_is_missing_or_damaged_is_named(tmp_path: Path) -> None:
    folder, _ = write(tmp_path / "cache", 30, shard=10)
    with pytest.raises(ValueError, match="no whole cache of latents"):
        CachedLatents(data_root=str(tmp_path))
    whole = (folder / "0-000010.safetensors").read_bytes()
    (folder / "0-000010.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"0-000010\.safetensors' is no shard of latents, or is cut off"):
        CachedLatents(data_root=str(folder))[10]
    (folder / "0-000010.safetensors").unlink()
    with pytest.raises(ValueError, match=r"lacks 1 of its 3 shards, such as 0-000010\.safetensors"):
        CachedLatents(data_root=str(folder))
    other, _ = write(tmp_path / "other", 30, shard=10, flow=flow_of(encoder={"type": "Haar", "factor": 4}))
    shutil.copy(other / "0-000010.safetensors", folder)
    data = CachedLatents(data_root=str(folder))
    assert data[9]["data_samples"]["name"] == "000009.png:0"
    with pytest.raises(ValueError, match="files of two caches are mixed"):
        data[10]
    index = json.loads((folder / INDEX).read_text())
    index["recipe"]["flow"]["scale"] = 8
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(ValueError, match="was changed"):
        CachedLatents(data_root=str(folder))
    (folder / INDEX).write_text("{")
    with pytest.raises(ValueError, match="is damaged"):
        CachedLatents(data_root=str(folder))


def test_moments_that_are_not_finite_are_named_or_skipped(tmp_path: Path) -> None:
    folder, _ = write(tmp_path / "cache", 3)
    path = folder / "0-000000.safetensors"
    shard = Shard(path)
    moments = torch.stack([shard.row(row)[HIGH] for row in range(3)])
    moments[1, 0, 0, 0] = float("nan")
    path.write_bytes(pack_shard({HIGH: moments}, shard.info))
    with pytest.raises(ValueError, match=r"000001\.png:0: the moments hold numbers that are not finite"):
        CachedLatents(data_root=str(folder))[1]
    with pytest.warns(RuntimeWarning, match="skipped"):
        assert (
            CachedLatents(data_root=str(folder), on_error="skip")[Draw(1, 0, 0)]["data_samples"]["name"]
            == "000002.png:0"
        )


def test_it_keeps_the_contract_of_datasets(tmp_path: Path) -> None:
    folder, _ = write(tmp_path / "cache", 20, shard=6)
    findings = list(CONTRACTS["dataset"].findings(CachedLatents(data_root=str(folder))))
    assert len(findings) > 4
    assert not [(one.name, one.broken) for one in findings if one.broken]
