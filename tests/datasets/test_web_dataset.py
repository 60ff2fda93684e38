"""Tar shards: the same images whoever reads them, from here and from a server, and one error that names the shard."""

import os
import pickle
import tarfile
import threading
from itertools import islice
from pathlib import Path

import pytest
import torch
from mmengine.dataset import pseudo_collate
from torch.utils.data import DataLoader

from cfmrestore.contracts import CONTRACTS
from cfmrestore.datasets import DrawSampler, ImageFolder, Mixture, WebDataset
from cfmrestore.datasets.tar_shards import remote
from cfmrestore.datasets.tar_shards.braces import expand_braces
from cfmrestore.datasets.tar_shards.table import read_table
from tests.datasets.tar_shards import picture, serve, write_shards, write_tar
from tests.testing import write_images

CROP = [{"type": "RandomCrop", "size": 8}]
DEGRADATION = [{"type": "GaussianNoise", "sigma": (5, 30)}, {"type": "Quantize"}]


@pytest.fixture(autouse=True)
def _quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(remote, "WAIT", 0.001)


def drawn(data: WebDataset, first: int, count: int, workers: int) -> list[tuple[str, int, bytes]]:
    """Name, seed and pixels of draws from a place on."""
    sampler = DrawSampler(dataset=data, seed=3)
    sampler.first = first
    loader = DataLoader(data, 2, sampler=sampler, num_workers=workers, collate_fn=pseudo_collate)
    found = []
    for batch in islice(loader, count // 2):
        about, images = batch["data_samples"], batch["inputs"]["high"]
        found += [(n, s, i.numpy().tobytes()) for n, s, i in zip(about["name"], about["seed"], images, strict=True)]
    return found


def test_braces() -> None:
    assert expand_braces("a.tar") == ["a.tar"]
    assert expand_braces("s-{008..010}.tar") == ["s-008.tar", "s-009.tar", "s-010.tar"]
    assert expand_braces("{a,b}-{0..1}") == ["a-0", "a-1", "b-0", "b-1"]


@pytest.mark.parametrize(
    "text", ["a{", "a}", "{0..}", "{3..1}", "{x}", "{0..99999999}", "{0..9999}{0..9999}", "{{0..1}}x{"]
)
def test_braces_that_are_none_are_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|range|shards|upper"):
        expand_braces(text)


def test_every_image_is_read_and_named(tmp_path: Path) -> None:
    data = WebDataset(shards=write_shards(tmp_path), window=4)
    assert len(data) == 9
    names = [data.name(index) for index in range(9)]
    assert names[:4] == ["photos-000/00000", "photos-000/00001", "photos-000/00002", "photos-001/00000"]
    for index, name in enumerate(names):
        shard, row = name.removeprefix("photos-").split("/")
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / "one" / "a.png").write_bytes(picture(100 * int(shard) + int(row)))
        alone = ImageFolder(data_root=str(tmp_path / "one"))[0]["inputs"]["high"]
        assert torch.equal(data[index]["inputs"]["high"], alone)


def test_the_order_outlives_stops_and_workers(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, (5, 7, 4, 6))
    whole = drawn(WebDataset(shards=shards, window=4, pipeline=CROP), 0, 44, 0)
    assert len({name for name, _, _ in whole[:22]}) == 22
    assert [name for name, _, _ in whole[:22]] != [name for name, _, _ in whole[22:]]
    for workers in (0, 1, 2):
        data = pickle.loads(pickle.dumps(WebDataset(shards=shards, window=4, pipeline=CROP)))
        assert drawn(data, 0, 14, workers) + drawn(data, 14, 30, (workers + 1) % 3) == whole


def test_names_of_shards_and_not_their_places_give_the_seeds(tmp_path: Path) -> None:
    write_shards(tmp_path)
    alone = WebDataset(shards=f"{tmp_path}/photos-001.tar")
    among = WebDataset(shards=[f"{tmp_path}/photos-000.tar", f"{tmp_path}/photos-001.tar"])
    assert alone.seed_of(0, 2) == among.seed_of(3, 2)


def test_files_of_a_sample(tmp_path: Path) -> None:
    members = {
        "./deep/a.json": b"{}", "./deep/a.PNG": picture(1), "b.png": picture(2), "b.jpg": picture(3), "c.txt": b"",
        ".hidden.png": picture(4), "d.mask.png": picture(5), "../../e.webp": picture(6), "/etc/f.png": picture(7),
    }  # fmt: skip
    data = WebDataset(shards=str(write_tar(tmp_path / "x.tar", members)))
    assert [data.name(i) for i in range(len(data))] == ["x/deep/a", "x/b", "x/../../e", "x//etc/f"]
    whole = (tmp_path / "x.tar").read_bytes()
    table = read_table(tmp_path / "x.tar.index")
    stored = [whole[begin : begin + size] for begin, size in table.places.tolist()]
    assert stored == [picture(1), picture(3), picture(6), picture(7)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.tar", "x.tar.index"]


def test_links_are_left_out(tmp_path: Path) -> None:
    path = write_tar(tmp_path / "x.tar", {"a.png": picture(0)})
    with tarfile.open(path, "a") as archive:
        link = tarfile.TarInfo("b.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert len(WebDataset(shards=str(path))) == 1


def test_names_longer_than_a_header(tmp_path: Path) -> None:
    name = "ä" * 300
    data = WebDataset(shards=str(write_tar(tmp_path / "x.tar", {f"{name}.png": picture(0), "b.png": picture(1)})))
    assert [data.name(0), data.name(1)] == [f"x/{name}", "x/b"]
    assert data[1]["inputs"]["high"].shape == (3, 16, 16)


def test_a_table_is_made_once_and_again_for_another_file(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, (3,))
    WebDataset(shards=shards)
    table = tmp_path / "photos-000.tar.index"
    written = table.stat().st_mtime_ns
    WebDataset(shards=shards)
    assert table.stat().st_mtime_ns == written
    write_tar(tmp_path / "photos-000.tar", {"z.png": picture(9)})
    os.utime(tmp_path / "photos-000.tar", ns=(1, 1))
    assert [WebDataset(shards=shards).name(0)] == ["photos-000/z"]


def test_a_folder_that_is_only_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = write_shards(tmp_path / "data", (2,))
    monkeypatch.setattr(threading, "get_native_id", lambda: 1)
    (
        tmp_path / "data" / ".photos-000.tar.index.1.0.tmp"
    ).mkdir()  # root may write anywhere: no file can be of this name
    monkeypatch.setattr(os, "getpid", lambda: 0)
    assert len(WebDataset(shards=shards, cache_dir=str(tmp_path / "cache"))) == 2
    assert not (tmp_path / "data" / "photos-000.tar.index").exists()
    assert [path.suffix for path in (tmp_path / "cache").iterdir() if path.suffix != ".lock"] == [".index"]


@pytest.mark.parametrize("kept", [0, 400, 512, 1500, 2048, 3072])
def test_a_shard_that_is_cut_off_is_named(tmp_path: Path, kept: int) -> None:
    shards = write_shards(tmp_path)
    path = tmp_path / "photos-001.tar"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(ValueError, match=r"shard '.*photos-001\.tar' is no tar file, or is cut off"):
        WebDataset(shards=shards)


def test_other_damage_is_named(tmp_path: Path) -> None:
    shards = write_shards(tmp_path)
    with pytest.raises(ValueError, match=r"1 of 4 shards are not there, such as '.*photos-003\.tar'"):
        WebDataset(shards=f"{tmp_path}/photos-{{000..003}}.tar")
    with pytest.raises(ValueError, match=r"text\.tar' holds no images"):
        WebDataset(shards=str(write_tar(tmp_path / "text.tar", {"a.txt": b"a"})))
    with tarfile.open(tmp_path / "x.tar", "w:gz"):
        pass
    with pytest.raises(ValueError, match=r"x\.tar' is no tar file.*unpack it"):
        WebDataset(shards=str(tmp_path / "x.tar"))
    with pytest.raises(ValueError, match="several are named"):
        WebDataset(shards=[f"{tmp_path}/photos-000.tar", f"{tmp_path}/photos-000.tar"])
    for word in ("pipe:cat a.tar", "s3://bucket/a.tar", "file:///etc/a.tar"):
        with pytest.raises(ValueError, match="no command is run"):
            WebDataset(shards=word)
    WebDataset(shards=shards)
    table = tmp_path / "photos-000.tar.index"
    head, rows = table.read_text().splitlines()
    table.write_text(f"{head}\n{rows.replace('512', '999999999')}\n")
    with pytest.raises(ValueError, match="places lie outside the shard"):
        WebDataset(shards=shards)[0]
    table.write_text("no table")
    with pytest.raises(ValueError, match=r"photos-000\.tar\.index is no table of a shard"):
        WebDataset(shards=shards)


def test_a_damaged_image_is_skipped_and_a_lost_shard_is_not(tmp_path: Path) -> None:
    members = {"a.png": picture(0)[:90], "b.png": picture(1)}
    path = write_tar(tmp_path / "x.tar", members)
    with pytest.warns(RuntimeWarning, match="skipped x/a"):
        assert WebDataset(shards=str(path), on_error="skip")[0]["data_samples"]["name"] == "x/b"
    data = WebDataset(shards=str(path), on_error="skip")
    assert data.name(0) == "x/a"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(ValueError, match=r"x\.tar' has 2,000 bytes, and its table is of one of"):
        data[1]


def test_shards_by_url_are_those_from_here(tmp_path: Path) -> None:
    local = write_shards(tmp_path / "data", (5, 4))
    with serve(tmp_path / "data") as server:
        url = f"{server.address}/photos-{{000..001}}.tar"
        far = WebDataset(shards=url, pipeline=CROP, window=4)
        assert drawn(far, 0, 18, 2) == drawn(WebDataset(shards=local, pipeline=CROP, window=4), 0, 18, 0)
        asked = len(server.asked)
        assert sorted(server.asked) == sorted(f"/photos-00{n}.tar{suffix}" for n in (0, 1) for suffix in ("", ".index"))
        assert drawn(WebDataset(shards=url, window=4), 0, 18, 1)
        assert len(server.asked) == asked


def test_a_table_beside_a_shard_spares_its_fetching(tmp_path: Path) -> None:
    WebDataset(shards=write_shards(tmp_path / "data", (5, 4)))
    with serve(tmp_path / "data") as server:
        data = WebDataset(shards=f"{server.address}/photos-{{000..001}}.tar?key=secret")
        assert server.asked == [f"/photos-00{n}.tar.index?key=secret" for n in (0, 1)]
        assert data.name(5) == "photos-001/00000"
        assert data[5]["inputs"]["high"].shape == (3, 16, 16)
        assert server.asked[2:] == ["/photos-001.tar?key=secret"]


def test_the_cache_keeps_to_its_limit(tmp_path: Path) -> None:
    local = write_shards(tmp_path / "data", (4, 4, 4, 4))
    size = (tmp_path / "data" / "photos-000.tar").stat().st_size
    cache = tmp_path / "cache"
    with serve(tmp_path / "data") as server:
        url = f"{server.address}/photos-{{000..003}}.tar"
        keys = {"shards": url, "cache_dir": str(cache), "window": 4}
        with pytest.raises(ValueError, match="holds less than the shards of two windows of 4 images"):
            WebDataset(**keys, cache_gb=1.5 * size / 1e9)
        data = WebDataset(**keys, cache_gb=2 * size / 1e9)
        found = []
        for index in range(16):
            found.append(data[index]["inputs"]["high"])
            assert sum(path.stat().st_size for path in cache.glob("*.tar")) <= 2 * size
        with pytest.raises(ValueError, match="and the cache takes 100: raise cache_gb"):
            WebDataset(shards=url, cache_dir=str(tmp_path / "other"), cache_gb=1e-7)
    here = WebDataset(shards=local)
    assert all(torch.equal(one, here[index]["inputs"]["high"]) for index, one in enumerate(found))


def test_a_server_that_stumbles_is_asked_again(tmp_path: Path) -> None:
    write_shards(tmp_path / "data", (2,))
    with serve(tmp_path / "data") as server:
        server.statuses = [503, 403, 500, 429]
        assert len(WebDataset(shards=f"{server.address}/photos-000.tar")) == 2
        assert len(server.asked) == 5


def test_what_a_server_does_not_give_is_named_and_nothing_half_is_left(tmp_path: Path) -> None:
    write_shards(tmp_path / "data", (2,))
    cache = tmp_path / "cache"
    with serve(tmp_path / "data") as server:
        address = server.address
        keys = {"shards": f"{address}/photos-000.tar", "cache_dir": str(cache)}
        with pytest.raises(ValueError, match=f"cannot fetch the shard '{address}/other.tar': HTTP Error 404"):
            WebDataset(shards=f"{address}/other.tar", cache_dir=str(cache))
        server.statuses = [404, 403]
        with pytest.raises(ValueError, match=r"cannot fetch the shard '.*photos-000\.tar': HTTP Error 403"):
            WebDataset(**keys)
        server.cut = 700
        with pytest.raises(ValueError, match=r"photos-000\.tar', tried 4 times: .* bytes came"):
            WebDataset(**keys)
        assert [path for path in cache.iterdir() if path.suffix != ".lock"] == []
    with pytest.raises(ValueError, match=r"photos-000\.tar.*, tried 4 times: .*refused"):
        WebDataset(**keys)


def test_a_network_that_goes_down_ends_a_run_that_skips(tmp_path: Path) -> None:
    WebDataset(shards=write_shards(tmp_path / "data", (4,)))
    with serve(tmp_path / "data") as server:
        data = WebDataset(shards=f"{server.address}/photos-000.tar", on_error="skip")
    with pytest.raises(ValueError, match=r"photos-000/00002: cannot fetch the shard .*tried 4 times"):
        data[2]


def test_inputs_are_made_by_the_workers_and_mixed_with_others(tmp_path: Path) -> None:
    photographs = str(write_images(tmp_path / "photographs", count=3, side=16))
    low = str(write_images(tmp_path / "low", count=3, side=16, seed=1))
    mixed = Mixture(
        datasets=[
            {"type": "WebDataset", "shards": write_shards(tmp_path), "degradation": DEGRADATION},
            {"type": "ImageFolder", "data_root": photographs, "degradation": DEGRADATION},
            {"type": "PairedFolder", "high_root": photographs, "low_root": low},
        ],
        weights=(2, 1, 1),
    )
    assert mixed.counts == [8, 3, 4]
    batch = pseudo_collate([mixed[index] for index in range(len(mixed))])
    assert {name: len(images) for name, images in batch["inputs"].items()} == {"high": 15, "low": 15}
    assert not any(torch.equal(a, b) for a, b in zip(*batch["inputs"].values(), strict=True))
    first = drawn(mixed, 0, 30, 2)
    assert drawn(mixed, 0, 16, 1) + drawn(mixed, 16, 14, 0) == first


def test_in_a_mixture_few_shards_are_read_at_a_time(tmp_path: Path) -> None:
    shards = write_shards(tmp_path, (10,) * 12)
    photographs = str(write_images(tmp_path / "photographs", count=30, side=16))
    mixed = Mixture(
        datasets=[
            {"type": "WebDataset", "shards": shards, "window": 20},
            {"type": "ImageFolder", "data_root": photographs},
        ],
        weights=(2, 1),
    )
    order = mixed.order(5)
    places = [mixed._place(order[place], epoch=3) for place in range(len(mixed))]
    assert sorted(order[place] for place in range(len(mixed))) == list(range(150))
    assert {source for source, _, _ in places} == {0, 1}
    for begin in range(0, 150, 30):  # in each stretch the same shares: 20 of the shards, and 10 of the folder
        images = [image for source, image, _ in places[begin : begin + 30] if source == 0]
        assert len(images) == 20
        assert len({image // 10 for image in images}) <= 4
    assert [order[place] for place in range(150)] != [mixed.order(6)[place] for place in range(150)]


def test_it_keeps_the_contract_of_datasets(tmp_path: Path) -> None:
    contract = CONTRACTS["dataset"]
    data = contract.make("WebDataset", {"shards": write_shards(tmp_path), "pipeline": CROP})
    assert [found.broken for found in contract.findings(data) if found.broken] == []
