"""The painted world: scenes with depth, weather, people and animals, and the truth about each.

`scene.scene(seed)` decides everything, `paint.paint(scene)` paints it with its ground truth,
`words.captions(scene)` and `words.say(scene, rng)` put it into words, `questions` asks about it.
Only what paints needs Skia (the `train` extra).
"""
