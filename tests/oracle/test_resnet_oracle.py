"""The paper's network against MONAI's three-dimensional ResNet-50 with the same weights."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="training needs torch")
nets = pytest.importorskip("monai.networks.nets", reason="the independent network is MONAI's")

from perrin.train.classifier.resnet import HIDDEN, ResNet3D  # noqa: E402


def independent(width: int) -> torch.nn.Module:
    """MONAI's, with the paper's stem and without a last layer."""
    return nets.ResNet(
        block="bottleneck",
        layers=[3, 4, 6, 3],
        block_inplanes=[width, 2 * width, 4 * width, 8 * width],
        spatial_dims=3,
        n_input_channels=1,
        conv1_t_size=(7, 3, 3),
        conv1_t_stride=1,
        feed_forward=False,
        bias_downsample=False,
    )


def body(network: ResNet3D) -> list[torch.nn.Parameter]:
    return [p for name, p in network.named_parameters() if not name.startswith(("hidden", "out"))]


def test_the_full_width_has_as_many_parameters() -> None:
    ours = ResNet3D(width=64, classes=5)
    theirs = sum(p.numel() for p in independent(64).parameters())
    assert sum(p.numel() for p in body(ours)) == theirs
    head = 2048 * HIDDEN + HIDDEN + HIDDEN * 5 + 5
    assert sum(p.numel() for p in ours.parameters()) == theirs + head


def test_the_same_weights_give_the_same_features() -> None:
    torch.manual_seed(0)
    ours, theirs = ResNet3D(width=4, classes=5).eval(), independent(4).eval()
    with torch.no_grad():
        for mine, other in zip(body(ours), theirs.parameters(), strict=True):
            other.copy_(mine)
        x = torch.randn(2, 1, 40, 17, 17)
        pooled = ours.layers(ours.first(x)).mean(dim=(2, 3, 4))
        torch.testing.assert_close(theirs(x), pooled)
