"""Counts of real networks agree with an independent counter, and launches with the runtime.

The counter is onnx-tool 1.0.1 (MIT), run once in an environment of its own; its numbers stand here.
It gives multiply-accumulates and adds one for each output with a bias: ours are twice that, less
the biases counted twice. Left out is all that it counts otherwise:

* transposed convolutions: it takes the whole kernel for each output, where only one in
  stride x stride meets an input (178 176 000 against 51 609 600 for the detector's two);
* elementwise operators: it weighs an exponential by 24 and a quotient by 4, ours by 10 and 1;
* batch normalisations: it counts them even where they fold into a convolution.
"""

from dataclasses import dataclass
from pathlib import Path

import onnx
import onnxruntime
import pytest
import rapidocr_onnxruntime

from cost_models.features import GraphCost, graph_cost, vector
from devices.models.info import parse

LIGHT = Path(onnx.__file__).parent / "backend/test/data/light"
OCR = Path(rapidocr_onnxruntime.__file__).parent / "models"


@dataclass(frozen=True)
class Network:
    """A model that a package ships, and onnx-tool's counts of it."""

    path: Path
    conv_macs: int
    dense_macs: int = 0
    shapes: tuple[int, ...] = ()

    def cost(self) -> GraphCost:
        return graph_cost(parse(self.path), {"x": self.shapes} if self.shapes else {})


NETWORKS = {
    "resnet50": Network(LIGHT / "light_resnet50.onnx", 4_087_136_256, 2_049_000),
    "squeezenet": Network(LIGHT / "light_squeezenet.onnx", 351_741_288),
    "shufflenet": Network(LIGHT / "light_shufflenet.onnx", 124_421_584, 545_000),
    "densenet121": Network(LIGHT / "light_densenet121.onnx", 2_834_162_664),
    "inception_v1": Network(LIGHT / "light_inception_v1.onnx", 1_433_545_984, 1_025_000),
    "vgg19": Network(LIGHT / "light_vgg19.onnx", 19_523_280_896, 123_642_856),
    "detector": Network(OCR / "ch_PP-OCRv4_det_infer.onnx", 1_687_077_864, shapes=(1, 3, 480, 640)),
    "recogniser": Network(
        OCR / "ch_PP-OCRv4_rec_infer.onnx", 666_054_660, 41_784_000, (1, 3, 48, 320)
    ),
    "classifier": Network(
        OCR / "ch_ppocr_mobile_v2.0_cls_infer.onnx", 16_314_976, 400, (1, 3, 48, 192)
    ),
}


def macs(cost: GraphCost, *kinds: str, biased: set[str]) -> int:
    """Multiply-accumulates as onnx-tool counts them."""
    twice = 0
    for operator in cost.operators:
        if operator.op_type in kinds and operator.window is not None:
            results = operator.window.rows * operator.window.channels_out
            twice += operator.flops + (results if operator.name in biased else 0)
    return twice // 2


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_arithmetic_agrees_with_an_independent_counter(network: Network) -> None:
    cost = network.cost()
    nodes = parse(network.path).graph.node
    biased = {node.name or node.output[0] for node in nodes if len(node.input) > 2}
    assert macs(cost, "Conv", biased=biased) == network.conv_macs
    assert macs(cost, "Gemm", "MatMul", biased=biased) == network.dense_macs
    assert cost.unknown == ()
    assert cost.assumed == ()


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS.keys())
def test_launches_are_about_the_nodes_that_the_runtime_keeps(
    network: Network, tmp_path: Path
) -> None:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(tmp_path / "optimised.onnx")
    options.log_severity_level = 3
    onnxruntime.InferenceSession(network.path, options, providers=["CPUExecutionProvider"])
    optimised = onnx.load(tmp_path / "optimised.onnx", load_external_data=False)
    kept = [n for n in optimised.graph.node if not n.op_type.startswith("Reorder")]
    assert vector(network.cost())["launches"] == pytest.approx(len(kept), rel=0.25)
