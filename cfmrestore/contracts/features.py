"""Contract of feature extractors: a feature an image, the same always, from weights that do not change."""

import copy

import torch

from cfmrestore.contracts.base import Contract, Keys, require, shape
from cfmrestore.features.base import Extractor
from cfmrestore.registry import FEATURES

LARGE, SMALL = (torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(0)) for size in ((70, 96), (9, 13)))


def load(cls: type[Extractor], keys: Keys) -> Extractor:
    """As metrics and losses do; the only key is ``weights``."""
    if unknown := keys.keys() - {"weights"}:
        raise ValueError(f"an extractor is loaded with weights alone; got {', '.join(sorted(unknown))}")
    return cls.load(**keys)


def check_features(network: Extractor) -> None:
    """Images of any size become finite features of length dim, the same again and in any batch; others get others."""
    for image in (LARGE, SMALL):
        features = network(image)
        require(features.shape == (3, network.dim), f"features of 3 images are {shape(features)}, dim is {network.dim}")
        require(features.isfinite().all(), f"features of images of {shape(image)} are not finite")
        require(torch.equal(features, network(image)), "the same images have other features: freeze() ends drop-out")
        scale = float(features.detach().std())
        alone = network(image[1:2])
        require(
            torch.allclose(alone, features[1:2], rtol=1e-3, atol=1e-3 * scale),
            "the features of an image depend on its batch",
        )
        require((features[0] - features[1]).abs().max() > 1e-3 * scale, "other images have the same features")


def check_probabilities(network: Extractor) -> str | None:
    """Where it has probabilities of classes: they sum to 1."""
    if type(network).probabilities is Extractor.probabilities:
        return "it has none"
    p = network.probabilities(network(LARGE))
    require(torch.allclose(p.sum(dim=1), torch.ones(3), atol=1e-5) and p.min() >= 0, "probabilities do not sum to 1")
    return None


def check_frozen(network: Extractor) -> None:
    """Its weights are there, and stay: neither trained, nor in the mode of training."""
    weights = list(network.parameters())
    require(not any(one.requires_grad for one in weights), "weights would be trained: freeze() ends the constructor")
    require(not any(one.is_meta for one in weights), "weights have no numbers")
    network.train()
    require(not any(part.training for part in network.modules()), "train() trains it: leave it as it is")


def check_gradients(network: Extractor) -> None:
    """Gradients reach the image, which losses need."""
    x = LARGE.clone().requires_grad_()
    network(x).sum().backward()
    require(x.grad is not None and x.grad.abs().sum() > 0, "no gradient reaches the image")


def check_digest(network: Extractor) -> str | None:
    """The digest is another with another weight."""
    changed = copy.deepcopy(network)
    require(changed.digest() == network.digest(), "a copy has another digest")
    weights = list(changed.parameters())
    if not weights:
        return "it has no weights"
    weights[0].data += 1
    require(changed.digest() != network.digest(), "another weight has the same digest")
    return None


_RANDOM = [{"weights": "random"}]
CONTRACT = Contract(
    FEATURES,
    Extractor,
    (check_features, check_probabilities, check_frozen, check_gradients, check_digest),
    build=load,
    cases={"AlexNet": _RANDOM, "SqueezeNet": _RANDOM, "VGG16": _RANDOM},
    unchecked="whether its weights are those of the publication: compare a feature with the original's",
)
