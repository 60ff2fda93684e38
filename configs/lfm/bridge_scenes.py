# A path between label maps and pictures that is walked both ways: the flow starts at the map in colors, with a little
# noise from which textures grow, and leads to the scene; from the scene back (CouplingFlow.invert) it leads to the
# colors. The network is told nothing, since on the way back there is no map.
_base_ = "scenes_semantic_tiny.py"
palette = [(250, 250, 250), (0, 0, 250), (0, 250, 0), (250, 250, 0), (0, 0, 0), (250, 0, 0)]

model = dict(
    coupling=dict(type="LowresLatent", upsample="pixel", noise=64),
    conditions=[],
    path=dict(type="Linear", sigma_min=0.0),
)
train_dataloader = dict(dataset=dict(pipeline=[dict(type="MapToColors", palette="${palette}")]))
test_dataloader = dict(dataset=dict(pipeline="${train_dataloader.dataset.pipeline}"))
