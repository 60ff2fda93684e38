"""Feature spaces, reference statistics, and sets that are compared with other pictures than their targets."""

import json
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from cfmrestore.apis.evaluate import evaluate_folders
from cfmrestore.apis.feature_statistics import feature_statistics
from cfmrestore.datasets.base import to_tensor
from cfmrestore.evaluation.functional.frechet import GaussianSums, frechet_distance
from cfmrestore.evaluation.functional.kernel_distance import kid, mmd, polynomial_kernel
from cfmrestore.evaluation.functional.kernel_interval import kid_interval
from cfmrestore.evaluation.functional.precision_recall import precision_recall
from cfmrestore.evaluation.metric_names import metric_config
from cfmrestore.evaluation.metrics import FID, KID, FeatureDistance, InpaintingIDS, PatchFID, PatchKID, PrecisionRecall
from cfmrestore.evaluation.metrics.feature_space import FeatureSpace
from cfmrestore.evaluation.metrics.reference import read_reference
from cfmrestore.features import EfficientNetLite, Extractor, SeededNet
from cfmrestore.imageio import list_images, read_image
from tests.testing import run_tool, write_images

SEEDED = {"features": "SeededNet"}


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """Generated pictures, and others in another number."""
    return write_images(tmp_path / "made", count=7), write_images(tmp_path / "real", count=5, seed=1)


def features_of(folder: Path, network: Extractor) -> Tensor:
    images = [to_tensor(read_image(path)).float() / 255 for path in list_images(folder)]
    return torch.cat([network(image[None]) for image in images])


def gaussian(x: Tensor):
    sums = GaussianSums(x.shape[1])
    sums.update(x)
    return sums.mean_and_covariance()


def test_columns_say_the_space() -> None:
    assert list(FID().columns) == list(FID(weights="seeded").columns) == ["FID"]
    assert list(PatchFID().columns) == ["pFID"]
    assert list(PatchKID(features="EfficientNetLite").columns) == ["pKD (EfficientNetLite)"]
    assert list(KID(**SEEDED, interval=0.9).columns) == [f"KD (SeededNet){end}" for end in ("", " low", " high")]
    assert list(PrecisionRecall(**SEEDED, patches=2).columns) == ["pPrecision (SeededNet)", "pRecall (SeededNet)"]
    assert FeatureDistance().columns == {"FeatureDistance": False}
    assert list(FeatureDistance(**SEEDED).columns) == ["FeatureDistance (SeededNet)"]


def test_names_on_the_command_line() -> None:
    assert metric_config("kid:efficientnetlite") == {"type": "KID", "features": "EfficientNetLite"}
    sets = {"reference": "r", "patches": None, "min_images": 3}
    assert metric_config("FID", "w", **sets) == {"type": "FID", "weights": "w", "reference": "r", "min_images": 3}
    assert metric_config("inceptionscore", **sets) == {"type": "InceptionScore", "min_images": 3}
    assert metric_config("psnr", "w", **sets) == {"type": "PSNR"}
    with pytest.raises(ValueError, match=r"'kid:eficientnetlite'.*did you mean 'efficientnetlite'"):
        metric_config("kid:eficientnetlite")
    with pytest.raises(ValueError, match=r"'psnr:seedednet'.*PSNR has none to choose"):
        metric_config("psnr:seedednet")


def test_unpaired_sets_by_hand(folders: tuple[Path, Path], tmp_path: Path) -> None:
    made, real = folders
    a, b = (features_of(folder, SeededNet()) for folder in folders)
    file = tmp_path / "real.safetensors"
    told = feature_statistics(real, file, **SEEDED, keep_features=True)
    assert torch.allclose(read_reference(file).features, b, atol=1e-6)
    metrics = [f"{name}:seedednet" for name in ("fid", "kid", "precisionrecall")]
    results = [
        evaluate_folders(made, reference=where, metrics=metrics, min_images=4, name="x") for where in (file, real)
    ]
    rows = [result["benchmarks"]["x"]["rows"]["restored"] for result in results]
    assert rows[0] == pytest.approx(rows[1], rel=1e-6)
    mean, _ = kid(b, a, subset_size=5)
    expected = [frechet_distance(gaussian(a), gaussian(b)), mean, *precision_recall(b, a)]
    assert list(rows[0].values()) == pytest.approx(expected, rel=1e-5)
    assert list(rows[0]) == ["FD (SeededNet)", "KD (SeededNet)", "Precision (SeededNet)", "Recall (SeededNet)"]
    assert any("FID wants a reference of 2048 images or more; it has 5" in text for text in results[0]["warnings"])
    settings = {"reference": str(file), "reference_sha256": told.images_sha256}
    assert settings.items() <= results[0]["settings"].items()
    # Names and pixels make the digest, as in result files.
    alone = evaluate_folders(real, metrics=["inceptionscore:seedednet"], name="x")["benchmarks"]["x"]
    assert (told.num_images, told.images_sha256) == (alone["num_images"], alone["images_sha256"])
    with pytest.raises(ValueError, match="no metric compares with a reference: name fid, kid"):
        evaluate_folders(made, reference=file, metrics=["inceptionscore:seedednet"])


def test_the_file_says_what_it_is(folders: tuple[Path, Path], tmp_path: Path) -> None:
    output = run_tool(
        "feature_statistics.py", folders[1], "--out", tmp_path / "r.safetensors", "--features", "SeededNet"
    )
    assert "r.safetensors: 5 pictures, sha256" in output
    with safe_open(tmp_path / "r.safetensors", framework="pt") as file:
        assert set(file.keys()) == {"mean", "covariance"}
        told = json.loads(file.metadata()["reference"])
    space = {"features": "SeededNet", "weights_sha256": SeededNet().digest(), "patches": 0, "patch_side": 0}
    assert told["space"] == space
    FID(**SEEDED, reference=tmp_path / "r.safetensors", min_images=2).prepare(2)
    with pytest.raises(ValueError, match=r"r\.safetensors has no features, which KID needs: .*--keep-features"):
        KID(**SEEDED, reference=tmp_path / "r.safetensors").prepare(5)


def test_other_spaces_are_refused(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "r.safetensors"
    feature_statistics(folders[1], file, **SEEDED, patches=3, patch_side=8)
    keys = {"reference": file, "min_images": 2}
    FID(**SEEDED, patches=3, patch_side=8, **keys).prepare(2)
    with pytest.raises(ValueError, match="another feature space: it has patches 3, not 0; patch_side 8, not 0"):
        FID(**SEEDED, **keys).prepare(2)
    with pytest.raises(ValueError, match="it has patch_side 8, not 16"):
        FID(**SEEDED, patches=3, patch_side=16, **keys).prepare(2)
    with pytest.raises(ValueError, match="it has features 'SeededNet', not 'EfficientNetLite'; weights_sha256"):
        FID(features="EfficientNetLite", patches=3, patch_side=8, **keys).prepare(2)
    monkeypatch.setattr(FeatureSpace, "extractor", SeededNet(seed=1))
    with pytest.raises(ValueError, match="it has weights_sha256"):
        FID(**SEEDED, patches=3, patch_side=8, **keys).prepare(2)
    with pytest.raises(ValueError, match="InpaintingIDS compares with no other pictures"):
        InpaintingIDS(reference=file)
    (tmp_path / "x.safetensors").write_bytes(b"none")
    for name in ("x.safetensors", "missing.safetensors"):
        with pytest.raises(ValueError, match=f"{name}' is no file of reference statistics"):
            FID(**SEEDED, reference=tmp_path / name, min_images=2).prepare(2)


def test_generated_pictures_must_be_many(folders: tuple[Path, Path], tmp_path: Path) -> None:
    """As many as a feature is long, or a covariance is singular; whoever wants fewer says so."""
    file = tmp_path / "r.safetensors"
    feature_statistics(folders[1], file, **SEEDED)
    FID(**SEEDED, reference=file).prepare(SeededNet.dim + 1)
    with pytest.raises(ValueError, match=r"FID needs 65 images or more; the set has 64; fewer pass with min_images"):
        FID(**SEEDED, reference=file).prepare(SeededNet.dim)
    with pytest.raises(ValueError, match="FID needs 9 images or more; the set has 8"):
        FID(**SEEDED, min_images=9).prepare(8)
    with pytest.raises(ValueError, match="FID needs 2 images or more; the set has 1"):
        FID(**SEEDED, reference=file, min_images=0).prepare(1)
    with pytest.raises(ValueError, match="'seeded' are those of SeededNet; got features='EfficientNetLite'"):
        FID(features="EfficientNetLite", weights="seeded").prepare(9)
    with pytest.raises(ValueError, match="unknown feature extractor 'EficientNetLite'; did you mean"):
        FID(features="EficientNetLite").prepare(9)


@pytest.mark.slow
def test_distances_in_the_features_of_imagenet_rank_blur() -> None:
    """Paired: the farther from the targets, the larger."""
    targets = torch.rand(6, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    blurred = [torch.nn.functional.avg_pool2d(targets, k, stride=1, padding=k // 2) for k in (1, 3, 7)]
    found = []
    for images in blurred:
        pairs = enumerate(zip(images, targets, strict=True))
        rows = [{"name": str(i), "restored": x, "target": y} for i, (x, y) in pairs]
        metrics = [PatchKID(features="EfficientNetLite", patch_side=32), FeatureDistance()]
        for metric in metrics:
            metric.process(None, rows)
        found.append([next(iter(metric.evaluate(6).to_flat().values())) for metric in metrics])
    for none, little, much in zip(*found, strict=True):
        assert none < 0.3 * little
        assert little < much
    assert found[0][1] == 0
    network = EfficientNetLite.load()
    expected = network.distance((blurred[1] * 255).round() / 255, (targets * 255).round() / 255).mean()
    assert found[1][1] == pytest.approx(float(expected), rel=1e-4)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).double()


class TestInterval:
    def test_each_image_once_is_the_unbiased_distance(self, monkeypatch: pytest.MonkeyPatch) -> None:
        x, y = normal(12, 5), 0.3 + normal(12, 5, seed=1)
        once = "cfmrestore.evaluation.functional.kernel_interval._draws"
        monkeypatch.setattr(once, lambda n, samples, generator: torch.ones(samples, n).double())
        for per_image in (1, 3):
            for paired in (False, True):
                found = kid_interval(x, y, per_image=per_image, paired=paired)
                assert found == pytest.approx([mmd(x, y)] * 2, rel=1e-10)
        assert kid_interval(x, y[:9], per_image=3) == pytest.approx([mmd(x, y[:9])] * 2, rel=1e-10)

    def test_no_feature_meets_its_copy(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Image 0 drawn twice and image 1 not, by a loop over the pairs that are left."""
        x, y = normal(6, 5), normal(6, 5, seed=1)
        draws = torch.tensor([2.0, 0.0, 1.0]).double().expand(100, 3)
        monkeypatch.setattr("cfmrestore.evaluation.functional.kernel_interval._draws", lambda *_: draws)
        kept = [0, 0, 2]

        def mean(a: Tensor, b: Tensor, own: bool, together: bool) -> float:
            values = []
            for d, i in enumerate(kept):
                for e, j in enumerate(kept):
                    if together and i == j and d != e:
                        continue  # another draw of the same image
                    k = polynomial_kernel(a[2 * i : 2 * i + 2], b[2 * j : 2 * j + 2])
                    mask = ~torch.eye(2, dtype=torch.bool) if own and i == j else torch.ones(2, 2, dtype=torch.bool)
                    values += k[mask].tolist()
            return sum(values) / len(values)

        within = mean(x, x, True, True) + mean(y, y, True, True)
        for paired in (False, True):
            expected = within - 2 * mean(x, y, False, paired)
            assert kid_interval(x, y, per_image=2, paired=paired)[0] == pytest.approx(expected, rel=1e-9)

    def test_it_holds_the_truth_as_often_as_it_says(self) -> None:
        shift = 0.7
        truth = mmd(normal(4000, 2), shift + normal(4000, 2, seed=9))
        held = []
        for seed in range(80):
            low, high = kid_interval(
                normal(60, 2, seed=2 * seed), shift + normal(60, 2, seed=2 * seed + 1), samples=200
            )
            held.append(low <= truth <= high)
        assert 0.88 < sum(held) / len(held) <= 0.99

    def test_the_metric_gives_its_ends(self) -> None:
        generator = torch.Generator().manual_seed(0)
        images = torch.rand(2, 8, 3, 32, 32, generator=generator)
        rows = [{"name": str(i), "restored": 0.5 * images[0, i], "target": images[1, i]} for i in range(8)]
        metric = KID(**SEEDED, interval=0.9)
        metric.process(None, rows)
        number, low, high = metric.evaluate(8).to_flat().values()
        assert low < number < high
        with pytest.raises(ValueError, match="need 0 <= interval < 1; got 95"):
            KID(interval=95)
        with pytest.raises(ValueError, match="takes 8192 images at most; got 8193: leave interval out"):
            metric.prepare(8193)
        x = normal(4, 3)
        for keys, message in (({"level": 1.0}, "0 < level < 1"), ({"samples": 9}, "100 samples")):
            with pytest.raises(ValueError, match=message):
                kid_interval(x, x, **keys)
        with pytest.raises(ValueError, match="as many if paired; got 4 and 3"):
            kid_interval(x, x[:3], paired=True)
